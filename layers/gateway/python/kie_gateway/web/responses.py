"""Responses that several resources give."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

JSON = "application/json"
type Headers = dict[str, str | list[str]]


def json_response(
    body: Any, status: HTTPStatus = HTTPStatus.OK, headers: Headers | None = None
) -> Response[Any]:
    """Return a response with a JSON body."""
    return Response(status.value, content_type=JSON, body=body, headers=headers)


def no_content(headers: Headers | None = None) -> Response[None]:
    """Return a response without a body."""
    return Response(HTTPStatus.NO_CONTENT.value, headers=headers)


def not_modified(headers: Headers) -> Response[None]:
    """Return the response to a caller whose copy is still good."""
    return Response(HTTPStatus.NOT_MODIFIED.value, headers=headers)


def redirect(
    location: str, status: HTTPStatus = HTTPStatus.FOUND, headers: Headers | None = None
) -> Response[None]:
    """Return a redirect."""
    return Response(status.value, headers={"Location": location, **(headers or {})})
