"""How routes are described in the API's document: one call for each route (`openapi.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kie_gateway.web.problem_types import TYPES
from kie_gateway.web.schemas import Problem

# What every route may answer, whatever it does; those that take a key more than others.
_OF_ANY = (422,)
_WITH_A_KEY = (401, 403, 429, 503)
# What a route may answer that reads a body.
OF_A_BODY = (400, 413, 415)

# Read and removed again by `openapi.py`.
REQUEST_HEADERS = "x-request-headers"
RESPONSES = "x-responses"

_DESCRIPTIONS = {
    400: "The request body is not valid JSON.",
    401: "No API key or token was sent, or one that is not valid.",
    402: "Not enough credits, or the monthly budget is exceeded. Kie.ai was not called.",
    403: "The key does not have the scope that this call requires, or pages of this origin may not"
    " call.",
    404: "There is nothing with this id, or it belongs to another owner.",
    409: "Not possible in the current state.",
    410: "The file has been deleted.",
    413: "The request body is too large.",
    415: "The request body was not sent as JSON.",
    422: "Wrong, unknown or missing fields, each named by a pointer.",
    429: "Too many requests or too many open tasks; see `Retry-After`.",
    502: "Kie.ai failed.",
    503: "Try again in a moment. Nothing was changed.",
}


@dataclass(frozen=True)
class Success:
    """
    What a route answers when all is well.

    Attributes:
        headers: Names of response headers that only this answer has.
        links: Names of calls that its body leads to (`openapi_parts.LINKS`).
        media: Content types with their schemas; None for what the route returns.
    """

    description: str
    headers: Sequence[str] = ()
    links: Sequence[str] = ()
    media: Mapping[str, Any] | None = None


def operation(
    operation_id: str,
    tag: str,
    successes: Mapping[int, Success],
    *problems: int,
    takes: Sequence[str] = (),
    is_open: bool = False,
) -> dict[str, Any]:
    """
    Describe a route, as keyword arguments of a router's decorators.

    Args:
        operation_id: In camel case; generated clients name their methods by it.
        successes: By status.
        problems: Statuses of problems beside those of any route.
        takes: Names of request headers that the route reads.
        is_open: Whether the route takes no key.
    """
    usual = _OF_ANY if is_open else (*_OF_ANY, *_WITH_A_KEY)
    responses = {status: _success(status, one) for status, one in sorted(successes.items())}
    responses |= {status: _problem(status) for status in sorted({*usual, *problems})}
    told = {
        str(status): {"headers": list(one.headers), "links": list(one.links)}
        for status, one in successes.items()
    }
    return {
        "operation_id": operation_id,
        "tags": [tag],
        "responses": responses,
        "openapi_extensions": {REQUEST_HEADERS: list(takes), RESPONSES: told},
    }


def _success(status: int, success: Success) -> dict[str, Any]:
    if success.media is not None:
        return {"description": success.description, "content": dict(success.media)}
    has_no_body = status == 204 or status >= 300
    return {"description": success.description, **({"content": {}} if has_no_body else {})}


def _problem(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"model": Problem}}
    codes = ", ".join(f"`{one.code}`" for one in TYPES.values() if one.status == status)
    return {"description": f"{_DESCRIPTIONS[status]} Codes: {codes}.", "content": content}
