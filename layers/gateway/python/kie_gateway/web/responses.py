"""Responses that several resources give."""

from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel

from kie_gateway.web.requests import matches_etag

JSON = "application/json"
# The headers of a cached response.
CACHED = ("ETag", "Cache-Control")
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


def cached_response(request_headers: Mapping[str, str], body: BaseModel) -> Response[Any]:
    """Respond with something that changes rarely, or that the caller's copy is still good."""
    etag = f'"{sha256(body.model_dump_json().encode()).hexdigest()[:16]}"'
    headers: Headers = {"ETag": etag, "Cache-Control": "private, max-age=300"}
    if matches_etag(request_headers, etag):
        return not_modified(headers)
    return json_response(body, headers=headers)
