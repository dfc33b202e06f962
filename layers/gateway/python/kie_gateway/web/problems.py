"""Problems as `application/problem+json` (RFC 9457): by the code of an error."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from kie_gateway.core.callers.allowance import Allowance
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.caller_errors import (
    CreationsStoppedError,
    FieldFault,
    InvalidRequestError,
    LimitError,
)
from kie_gateway.core.inputs.json_pointer import escaped
from kie_gateway.web.problem_types import TYPES, type_url

CONTENT_TYPE = "application/problem+json"

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
        code: One of `problem_types.TYPES`, repeated in the header `X-Error-Code`, since proxies
            replace bodies.
        retry_after_seconds: When the same request may succeed, None if it is not a matter of time.
        allowed: Methods that there are, where this one is not.
        allowance: Of what the caller may have at a time, where it wanted more.
    """

    code: str
    detail: str
    retryable: bool = False
    faults: Sequence[FieldFault] = ()
    retry_after_seconds: int | None = None
    allowed: Sequence[str] = ()
    allowance: Allowance | None = None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return TYPES[self.code].status

    def body(self, request_id: str, base_url: str) -> dict[str, Any]:
        """
        Write the body.

        Args:
            base_url: Public address of the API, without a slash at the end.
        """
        return {
            "type": type_url(self.code, base_url),
            "title": TYPES[self.code].title,
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

    def response(self, request_id: str, base_url: str) -> Response[Any]:
        """Write the whole response."""
        return Response(
            self.status,
            content_type=CONTENT_TYPE,
            body=json.dumps(self.body(request_id, base_url), ensure_ascii=False),
            headers=dict[str, str | list[str]](self.headers()),
        )


def problem_of(error: GatewayError) -> Problem:
    """Return the problem of an error; one without a status is internal and keeps its words."""
    if error.code not in TYPES or TYPES[error.code].status == 500:
        return INTERNAL
    return Problem(
        code=error.code,
        detail="The gateway's storage did not answer; nothing was changed."
        if isinstance(error, BackendUnavailableError)
        else _sentence(str(error)),
        retryable=error.retryable,
        faults=error.faults if isinstance(error, InvalidRequestError) else (),
        retry_after_seconds=_retry_after_seconds(error),
        allowance=error.allowance if isinstance(error, LimitError) else None,
    )


def _sentence(words: str) -> str:
    """Write the words of an error, which are part of a log line elsewhere, as a sentence."""
    end = "" if words.endswith((".", "!", "?", "…")) else "."
    return f"{words[:1].upper()}{words[1:]}{end}"


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


def _retry_after_seconds(error: GatewayError) -> int | None:
    if isinstance(error, LimitError):
        return error.allowance.reset_seconds
    if isinstance(error, CreationsStoppedError):
        # A person has to end it.
        return 60
    return 5 if TYPES[error.code].status == 503 else None


def validation_problem(faults: Iterable[Mapping[str, Any]]) -> Problem:
    """Return what pydantic found as one problem, each field by pointer."""
    told = [FieldFault(_pointer(_place(fault)), _words(fault)) for fault in faults]
    detail = "; ".join(f"{fault.pointer or 'the body'}: {fault.detail}" for fault in told)
    return Problem("validation_failed", detail, faults=told)


def method_not_allowed(allowed: Sequence[str]) -> Problem:
    """Return the problem of a path that exists for other methods."""
    detail = f"This path supports only {', '.join(allowed)}."
    return Problem("method_not_allowed", detail, allowed=allowed)


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
    if fault["type"] in ("enum", "literal_error"):
        return f"must be {fault['ctx']['expected']}"
    return _PLAIN_WORDS.get(fault["type"], str(fault["msg"]).removeprefix("Value error, "))


INTERNAL = Problem("internal_error", "Something went wrong in the gateway.", retryable=True)
NO_ROUTE = Problem("no_such_route", "There is nothing at this path; /docs lists every call.")
UNSUPPORTED_TYPE = Problem(
    "unsupported_content_type", "Send JSON with Content-Type: application/json."
)
