"""Trouble as `application/problem+json` (RFC 9457): one table from error to status."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core import errors
from kie_gateway.core.allowance import Allowance
from kie_gateway.core.errors import FieldFault, GatewayError, InvalidRequestError
from kie_gateway.core.json_pointer import escaped

CONTENT_TYPE = "application/problem+json"
TYPE_BASE = "urn:kie-gateway:problem:"

_STATUSES: tuple[tuple[type[GatewayError], int], ...] = (
    (errors.InvalidRequestError, 422),
    (errors.UnauthorizedError, 401),
    (errors.ForbiddenError, 403),
    (errors.LimitError, 429),
    (errors.InsufficientCreditsError, 402),
    (errors.BudgetExceededError, 402),
    (errors.CreationsStoppedError, 503),
    (errors.IssuerUnavailableError, 503),
    (errors.KeyNotFoundError, 404),
    (errors.TaskNotFoundError, 404),
    (errors.ModelNotFoundError, 404),
    (errors.OutputNotFoundError, 404),
    (errors.OutputDeletedError, 410),
    (errors.IdempotencyMismatchError, 422),
    (errors.TaskSettledError, 409),
    (errors.TaskNotFailedError, 409),
    (errors.ProviderBusyError, 503),
    (errors.OutOfTimeError, 503),
    (errors.ProviderError, 502),
    (errors.BackendUnavailableError, 503),
    (errors.StorageError, 503),
)
_TITLES = {
    400: "Malformed request",
    401: "Not authorized",
    402: "Not enough credits",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict with the task's state",
    410: "Gone",
    413: "Request too large",
    415: "Unsupported content type",
    422: "Invalid request",
    429: "Too many requests",
    500: "Internal error",
    502: "Kie.ai failed",
    503: "Temporarily unavailable",
}
# Pydantic speaks of Python's types; callers think in JSON's.
_PLAIN_WORDS = {
    "extra_forbidden": "unknown field",
    "missing": "required",
    "dict_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "string_type": "must be a string",
    "recursion_depth_exceeded": "nested too deeply",
}


@dataclass(frozen=True)
class Problem:
    """
    One problem.

    Attributes:
        code: Stable word for programs, repeated in the header `X-Error-Code`, since proxies replace
            bodies.
        retry_after_seconds: When the same request may succeed, None if it is not a matter of time.
        allowed: Methods that there are, where this one is not.
        allowance: Of what the caller may have at a time, where it wanted more.
    """

    status: int
    code: str
    detail: str
    retryable: bool = False
    faults: Sequence[FieldFault] = ()
    retry_after_seconds: int | None = None
    allowed: Sequence[str] = ()
    allowance: Allowance | None = None

    def body(self, request_id: str) -> dict[str, Any]:
        """Write the body."""
        return {
            "type": TYPE_BASE + self.code.replace("_", "-"),
            "title": _TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "retryable": self.retryable,
            "request_id": request_id,
            "errors": [{"pointer": f.pointer, "detail": f.detail} for f in self.faults],
        }

    def headers(self) -> dict[str, str]:
        """Write the headers that belong to the problem."""
        headers = {"X-Error-Code": self.code}
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="kie-gateway"'
        if self.retry_after_seconds is not None:
            headers["Retry-After"] = str(self.retry_after_seconds)
        if self.allowed:
            headers["Allow"] = ", ".join(self.allowed)
        return headers | allowance_headers(self.allowance)

    def response(self, request_id: str) -> Response[Any]:
        """Write the whole answer."""
        return Response(
            self.status,
            content_type=CONTENT_TYPE,
            body=json.dumps(self.body(request_id), ensure_ascii=False),
            headers=dict[str, str | list[str]](self.headers()),
        )


def problem_of(error: GatewayError) -> Problem:
    """Tell an error of ours; what is not in the table is internal and keeps its words to itself."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    if status == 500:
        return INTERNAL
    return Problem(
        status=status,
        code=error.code,
        detail="The gateway's storage did not answer; nothing was changed."
        if isinstance(error, errors.BackendUnavailableError)
        else str(error),
        retryable=error.retryable,
        faults=error.faults if isinstance(error, InvalidRequestError) else (),
        retry_after_seconds=_retry_after_seconds(error, status),
        allowance=error.allowance if isinstance(error, errors.LimitError) else None,
    )


def allowance_headers(allowance: Allowance | None) -> dict[str, str]:
    """
    Write the headers that tell a caller what it has left.

    In the words of the IETF's draft (`RateLimit`, structured), and in those that came before it and
    that most clients read.
    """
    if allowance is None:
        return {}
    window = "" if allowance.window_seconds is None else f";w={allowance.window_seconds}"
    return {
        "RateLimit-Policy": f'"{allowance.of}";q={allowance.limit}{window}',
        "RateLimit": f'"{allowance.of}";r={allowance.remaining};t={allowance.reset_seconds}',
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(allowance.reset_seconds),
    }


def _retry_after_seconds(error: GatewayError, status: int) -> int | None:
    if isinstance(error, errors.LimitError):
        return error.allowance.reset_seconds
    if isinstance(error, errors.CreationsStoppedError):
        # A person has to end it.
        return 60
    return 5 if status == 503 else None


def validation_problem(faults: Iterable[Mapping[str, Any]]) -> Problem:
    """Tell what pydantic found, each field by pointer."""
    told = [FieldFault(_pointer(_place(fault)), _words(fault)) for fault in faults]
    detail = "; ".join(f"{fault.pointer or 'the body'}: {fault.detail}" for fault in told)
    return Problem(422, "validation_failed", detail, faults=told)


def method_not_allowed(allowed: Sequence[str]) -> Problem:
    """Tell that the path is right and the method is not."""
    detail = f"Only {', '.join(allowed)} here."
    return Problem(405, "method_not_allowed", detail, allowed=allowed)


def _place(fault: Mapping[str, Any]) -> Sequence[str | int]:
    # Pydantic puts words of its own between the hundreds of steps to where it gave up.
    deepest = 3 if fault["type"] == "recursion_depth_exceeded" else None
    loc: Sequence[str | int] = fault["loc"]
    return loc[:deepest]


def _pointer(loc: Sequence[str | int]) -> str:
    """Write a location as RFC 6901; parameters are named like top-level fields."""
    parts = [str(part) for part in loc if part not in ("body", "query", "path", "header")]
    return "".join(f"/{escaped(part)}" for part in parts)


def _words(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "string_pattern_mismatch" and fault["loc"][-1] == "model":
        return "must be a model id of Kie.ai, such as google/nano-banana"
    return _PLAIN_WORDS.get(fault["type"], str(fault["msg"]).removeprefix("Value error, "))


INTERNAL = Problem(500, "internal_error", "Something went wrong in the gateway.", retryable=True)
NO_ROUTE = Problem(404, "no_such_route", "There is nothing here; /docs lists what there is.")
UNSUPPORTED_TYPE = Problem(
    415, "unsupported_content_type", "Send JSON with Content-Type: application/json."
)
