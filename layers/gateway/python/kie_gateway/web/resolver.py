"""The HTTP API's frame: reads requests, knows callers, and reports all trouble as problems."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from kie_gateway.core.callers.api_key import Caller, Scope
from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.caller_errors import ForbiddenError, OriginNotAllowedError
from kie_gateway.observability import logger
from kie_gateway.web.access import is_declared, scope_of
from kie_gateway.web.openapi import DESCRIPTION, document_json
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
from kie_gateway.web.request_context import RequestContext, current_context, entered
from kie_gateway.web.requests import MalformedRequestError, readable_body
from kie_gateway.web.use_cases import UseCases

type Event = dict[str, Any]


class GatewayResolver(APIGatewayHttpResolver):
    """
    Powertools' resolver with validation, answering in the gateway's own words.

    Args:
        use_cases: What routes call; None for an application that only describes itself.
    """

    def __init__(self, use_cases: UseCases | None) -> None:
        super().__init__(enable_validation=True)
        self.use_cases = use_cases
        self.configure_openapi(**DESCRIPTION)
        self.exception_handler(RequestValidationError)(self._report_validation)
        self.exception_handler(GatewayError)(lambda error: self._report(problem_of(error)))
        self.exception_handler(NotFoundError)(lambda _: self._report(NO_ROUTE))
        self.exception_handler(ServiceError)(lambda _: self._report(INTERNAL))

    @cached_property
    def document(self) -> str:
        """The API's document, as JSON."""
        return document_json(self, self._routes())

    def declared(self) -> dict[tuple[str, str], Scope | None]:
        """List every route that declares its scope, by method and path as written."""
        return {
            (one.method, str(one.path)): scope_of(one.func)
            for one in self._routes()
            if is_declared(one.func)
        }

    def answer(self, event: Event, context: Any) -> dict[str, Any]:
        """
        Answer a request, whatever it is.

        Args:
            event: Payload 2.0 of an HTTP API.
            context: Lambda's.
        """
        answer = _Answer(self, event)
        try:
            request, current = answer.prepared()
            with entered(current):
                result = self.resolve(request, context)
        except MalformedRequestError as error:
            result = answer.of_problem(error.problem)
        except GatewayError as error:
            result = answer.of_problem(problem_of(error))
        except Exception:  # noqa: BLE001 - the caller gets a problem, the log gets the traceback
            logger.exception("unexpected error")
            result = answer.of_problem(INTERNAL)
        return answer.finished(result)

    def route_of(self, method: str, path: str) -> Route | None:
        """Find the route of a request."""
        return next((one for one in self._routes_at(path) if one.method == method), None)

    def methods_of(self, path: str) -> list[str]:
        """List the methods that a path has."""
        methods = {route.method for route in self._routes_at(path)}
        return sorted(methods | {"HEAD"} if "GET" in methods else methods)

    def _routes_at(self, path: str) -> Sequence[Route]:
        """List the routes of a path; one that is written out is no other route's parameter."""
        static = [one for one in self._static_routes if one.rule.match(path)]
        return static or [one for one in self._dynamic_routes if one.rule.match(path)]

    def _routes(self) -> Sequence[Route]:
        return (*self._static_routes, *self._dynamic_routes)

    def _report(self, problem: Problem) -> Response[Any]:
        context = current_context()
        return problem.response(context.request_id, context.base_url)

    def _report_validation(self, error: RequestValidationError) -> Response[Any]:
        return self._report(validation_problem(error.errors()))


class _Answer:
    """One request on its way to an answer."""

    def __init__(self, app: GatewayResolver, event: Event) -> None:
        if app.use_cases is None:
            raise RuntimeError("an application without use cases answers nothing")
        self._app = app
        self._use_cases = app.use_cases
        self._event = event
        self._caller: Caller | None = None
        request = event["requestContext"]
        self._request_id = request["requestId"]
        self._host_url = f"https://{request['domainName']}"
        self._base_url = self._use_cases.public_base_url or self._host_url
        self._method: str = request["http"]["method"]
        self._headers: Mapping[str, str] = event.get("headers") or {}

    def prepared(self) -> tuple[Event, RequestContext]:
        """
        Let the caller in, and return the request as the routes take it, with its context.

        Raises:
            GatewayError: The caller is not known, or may not do this.
            MalformedRequestError: The request cannot be read.
        """
        path, method = self._event["rawPath"], "GET" if self._is_head else self._method
        route = self._app.route_of(method, path)
        scope = scope_of(route.func) if route is not None else Scope.TASKS_READ
        if scope is not None:
            # Where there is no route, that is said to everybody who has a key.
            self._let_in(scope if route is not None else None)
        if route is not None:
            refuse_unknown(self._event.get("queryStringParameters") or {}, _queries_of(route))
        elif methods := self._app.methods_of(path):
            raise MalformedRequestError(method_not_allowed(methods))
        return self._readable(method), self._context()

    def of_problem(self, problem: Problem) -> dict[str, Any]:
        """Return the result for a request that no route has answered."""
        response = problem.response(self._request_id, self._base_url)
        headers = {"Content-Type": response.headers["Content-Type"], **problem.headers()}
        return {
            "statusCode": problem.status,
            "headers": headers,
            "body": response.body,
            "isBase64Encoded": False,
        }

    def finished(self, result: dict[str, Any]) -> dict[str, Any]:
        """Add what every answer has, and leave the body out where only headers are asked for."""
        allowance = self._caller.allowance if self._caller is not None else None
        headers = {**allowance_headers(allowance), **result.get("headers", {})}
        result["headers"] = {**headers, "X-Request-Id": self._request_id}
        if self._is_head:
            result |= {"body": "", "isBase64Encoded": False}
        return result

    @property
    def _is_head(self) -> bool:
        return self._method == "HEAD"

    def _let_in(self, scope: Scope | None) -> None:
        self._check_origin()
        self._caller = self._use_cases.authenticate(self._headers)
        if scope is not None and not self._caller.may(scope):
            raise ForbiddenError(f"this call requires a key with the scope {scope.value}")

    def _check_origin(self) -> None:
        origin, base = self._headers.get("origin"), urlsplit(self._base_url)
        own = (self._host_url, f"{base.scheme}://{base.netloc}")
        if not self._use_cases.allowed_origins.allow(origin, own):
            raise OriginNotAllowedError("pages of this origin may not call the API")

    def _context(self) -> RequestContext:
        return RequestContext(
            use_cases=self._use_cases,
            request_id=self._request_id,
            headers=self._headers,
            base_url=self._base_url,
            sender=self._caller,
            is_head=self._is_head,
            document=lambda: self._app.document,
        )

    def _readable(self, method: str) -> Event:
        request = self._event["requestContext"]
        return {
            **self._event,
            "body": readable_body(self._event),
            "isBase64Encoded": False,
            # Powertools would read forms, and knows this type in small letters only.
            "headers": {**self._headers, "content-type": "application/json"},
            "requestContext": {**request, "http": {**request["http"], "method": method}},
        }


def _queries_of(route: Route) -> set[str]:
    return {field.alias for field in route.dependant.query_params}
