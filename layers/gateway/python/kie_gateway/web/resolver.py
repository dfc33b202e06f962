"""The HTTP API's frame: reads requests, knows callers, and tells all trouble as problems."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, OpenAPI, Server, Tag

from kie_gateway.core.allowance import Allowance
from kie_gateway.core.api_key import Caller, Scope
from kie_gateway.core.errors import ForbiddenError, GatewayError
from kie_gateway.observability import logger
from kie_gateway.version import VERSION
from kie_gateway.web.models import ProblemBody
from kie_gateway.web.problems import (
    INTERNAL,
    NO_ROUTE,
    Problem,
    allowance_headers,
    method_not_allowed,
    problem_of,
    validation_problem,
)
from kie_gateway.web.queries import refuse_unknown
from kie_gateway.web.requests import MalformedRequestError, readable_body

_PROBLEMS = {
    400: "The body is no JSON",
    402: "Not enough credits, or more than the month's budget; Kie.ai was not called",
    401: "No key, or one that is not in force",
    403: "A key without the scope that this takes",
    404: "No such task, or not yours",
    409: "Not possible as the task stands",
    410: "The file has been deleted",
    413: "The body is too large",
    415: "The body is not sent as JSON",
    422: "Wrong fields, each named by pointer",
    429: "More requests than the key may send; see Retry-After",
    502: "Kie.ai failed",
    503: "Try again in a moment; nothing was changed",
}
_OF_ANY_ROUTE = (401, 403, 422, 429, 503)
OF_A_BODY = (400, 413, 415)


def answers(successes: Mapping[int, str], *problems: int) -> dict[int, Any]:
    """
    Describe what a route with a key may answer, for the OpenAPI document.

    Args:
        successes: What each status means; up to 300 it comes with what the route returns.
        problems: Statuses of problems beside those of any route.
    """
    told = {status: _success(status, words) for status, words in successes.items()}
    return told | {status: _problem(status) for status in sorted({*_OF_ANY_ROUTE, *problems})}


def _success(status: int, description: str) -> dict[str, Any]:
    has_no_body = status == 204 or status >= 300
    return {"description": description, **({"content": {}} if has_no_body else {})}


def _problem(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"model": ProblemBody}}
    return {"description": _PROBLEMS[status], "content": content}


class GatewayResolver(APIGatewayHttpResolver):
    """Powertools' resolver with validation, answering in our words."""

    def __init__(self) -> None:
        super().__init__(enable_validation=True)
        self._needs: dict[Callable[..., Any], Scope | None] = {}
        self.configure_openapi(
            title="Kie Gateway",
            version=VERSION,
            description="Create generation tasks at Kie.ai and get every result, checked, from your"
            " own bucket. Trouble is told as RFC 9457 problems.",
            servers=[Server(url="/")],
            tags=[
                Tag(name="tasks"),
                Tag(name="outputs"),
                Tag(name="uploads"),
                Tag(name="models"),
                Tag(name="credits"),
                Tag(name="keys"),
                Tag(name="service"),
            ],
            security_schemes={"key": HTTPBearer()},
            security=[{"key": []}],
        )
        self.exception_handler(RequestValidationError)(self._tell_validation)
        self.exception_handler(GatewayError)(lambda error: self._tell(problem_of(error)))
        self.exception_handler(NotFoundError)(lambda _: self._tell(NO_ROUTE))
        self.exception_handler(ServiceError)(lambda _: self._tell(INTERNAL))

    def needs[Handler: Callable[..., Any]](
        self, scope: Scope | None
    ) -> Callable[[Handler], Handler]:
        """
        Declare which scope a route takes; None opens it to everybody, without a key.

        A route that declares nothing is for admins only.
        """

        def mark(handler: Handler) -> Handler:
            self._needs[handler] = scope
            return handler

        return mark

    def declared(self) -> dict[tuple[str, str], Scope | None]:
        """List every route, by method and path as written, with what it declares."""
        return {(one.method, str(one.path)): self._needs[one.func] for one in self._routes()}

    def get_openapi_schema(self, **given: Any) -> OpenAPI:
        """Describe the API; each call is summed up by the first sentence about it."""
        for route in self._routes():
            sentence = (route.func.__doc__ or "").strip().partition(". ")[0]
            route.summary = route.summary or sentence.rstrip(".") or None
        return super().get_openapi_schema(**given)

    @property
    def request_id(self) -> str:
        """API Gateway's id of the request at hand."""
        return str(self.current_event.raw_event["requestContext"]["requestId"])

    @property
    def request_headers(self) -> Mapping[str, str]:
        """Headers of the request at hand, with lower-case names."""
        headers: Mapping[str, str] = self.current_event.raw_event.get("headers") or {}
        return headers

    def answer(
        self,
        event: dict[str, Any],
        context: Any,
        authenticate: Callable[[Mapping[str, str]], Caller],
    ) -> dict[str, Any]:
        """
        Answer a request, whatever it is.

        Args:
            event: Payload 2.0 of an HTTP API.
            authenticate: Finds the caller by the headers, or raises UnauthorizedError.
        """
        request_id = event["requestContext"]["requestId"]
        allowance: Allowance | None = None

        def known(headers: Mapping[str, str]) -> Caller:
            nonlocal allowance
            caller = authenticate(headers)
            allowance = caller.allowance
            return caller

        is_head = event["requestContext"]["http"]["method"] == "HEAD"
        try:
            result = self.resolve(self._prepared(event, known), context)
        except MalformedRequestError as error:
            result = _as_result(error.problem, request_id)
        except GatewayError as error:
            result = _as_result(problem_of(error), request_id)
        except Exception:  # noqa: BLE001 - the caller gets a problem, the log gets the traceback
            logger.exception("unexpected error")
            result = _as_result(INTERNAL, request_id)
        self.clear_context()  # type: ignore[no-untyped-call]  # Powertools leaves it untyped
        headers = {**allowance_headers(allowance), **result.get("headers", {})}
        result["headers"] = {**headers, "X-Request-Id": request_id}
        if is_head:
            result["body"] = ""
        return result

    def _prepared(
        self, event: dict[str, Any], authenticate: Callable[[Mapping[str, str]], Caller]
    ) -> dict[str, Any]:
        headers = event.get("headers") or {}
        http = event["requestContext"]["http"]
        method = "GET" if http["method"] == "HEAD" else http["method"]
        route = self._route_of(method, event["rawPath"])
        scope = self._needs.get(route.func, Scope.ADMIN) if route else Scope.TASKS_READ
        if scope is not None:
            caller = authenticate(headers)
            # Where there is no route, that is said to everybody who has a key.
            if route is not None and not caller.may(scope):
                raise ForbiddenError(f"this takes a key with the scope {scope.value}")
            self.append_context(caller=caller)  # type: ignore[no-untyped-call]  # as above
        if route is None:
            self._refuse_method(event["rawPath"])
        else:
            refuse_unknown(event.get("queryStringParameters") or {}, _queries_of(route))
        prepared = {
            **event,
            "body": readable_body(event),
            "isBase64Encoded": False,
            # Powertools would read forms, and knows this type in small letters only.
            "headers": {**headers, "content-type": "application/json"},
        }
        if http["method"] == "HEAD":
            prepared["requestContext"] = {
                **event["requestContext"],
                "http": {**http, "method": "GET"},
            }
        return prepared

    def _route_of(self, method: str, path: str) -> Route | None:
        return next((one for one in self._routes_at(path) if one.method == method), None)

    def _routes_at(self, path: str) -> Sequence[Route]:
        """List the routes of a path; one that is written out is no other route's parameter."""
        static = [one for one in self._static_routes if one.rule.match(path)]
        return static or [one for one in self._dynamic_routes if one.rule.match(path)]

    def _refuse_method(self, path: str) -> None:
        methods = {route.method for route in self._routes_at(path)}
        if methods:
            if "GET" in methods:
                methods.add("HEAD")
            raise MalformedRequestError(method_not_allowed(sorted(methods)))

    def _routes(self) -> Sequence[Route]:
        return (*self._static_routes, *self._dynamic_routes)

    def _tell(self, problem: Problem) -> Response[Any]:
        return problem.response(self.request_id)

    def _tell_validation(self, error: RequestValidationError) -> Response[Any]:
        return self._tell(validation_problem(error.errors()))


def _queries_of(route: Route) -> set[str]:
    return {field.alias for field in route.dependant.query_params}


def _as_result(problem: Problem, request_id: str) -> dict[str, Any]:
    response = problem.response(request_id)
    headers = {"Content-Type": response.headers["Content-Type"], **problem.headers()}
    return {
        "statusCode": problem.status,
        "headers": headers,
        "body": response.body,
        "isBase64Encoded": False,
    }
