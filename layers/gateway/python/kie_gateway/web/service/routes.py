"""Routes of the service itself, which need no key: health, the API's document, and pages."""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Path

from kie_gateway.version import VERSION
from kie_gateway.web.access import needs
from kie_gateway.web.operations import Success, operation
from kie_gateway.web.problem_types import TYPES
from kie_gateway.web.request_context import CurrentContext
from kie_gateway.web.responses import JSON, no_content, redirect
from kie_gateway.web.routing import new_router
from kie_gateway.web.service.docs_page import docs_page
from kie_gateway.web.service.problem_page import problem_page
from kie_gateway.web.service.schemas import Health
from kie_gateway.web.static_content import HEADERS, HTML, static_content, static_response

router = new_router()

_TAG = "service"
_UNCHANGED = Success("Your copy is still good.", HEADERS)
_PAGE: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}
_DOCUMENT: dict[str, Any] = {JSON: {"schema": {"type": "object"}}}


@router.get(
    "/v1/health",
    **operation("getHealth", _TAG, {200: Success("The gateway answers.")}, is_open=True),
)
@needs(None)
def get_health() -> Health:
    """Check that the gateway answers. No key is needed."""
    return Health(version=VERSION)


@router.get(
    "/v1/openapi.json",
    **operation(
        "getOpenApiDocument",
        _TAG,
        {200: Success("The OpenAPI document.", HEADERS, media=_DOCUMENT), 304: _UNCHANGED},
        takes=("If-None-Match",),
        is_open=True,
    ),
    enable_validation=False,
)
@needs(None)
def get_document(context: CurrentContext) -> Response[Any]:
    """Read this document. No key is needed."""
    return static_response(context, static_content(JSON, context.document()))


@router.get(
    "/docs",
    **operation(
        "getDocumentation",
        _TAG,
        {200: Success("The page.", HEADERS, media=_PAGE), 304: _UNCHANGED},
        takes=("If-None-Match",),
        is_open=True,
    ),
    enable_validation=False,
)
@needs(None)
def get_docs(context: CurrentContext) -> Response[Any]:
    """Read the documentation of the API. No key is needed."""
    return static_response(context, static_content(HTML, docs_page(context.document())))


@router.get(
    "/problems/<code>",
    **operation(
        "getProblemType",
        _TAG,
        {200: Success("The page.", HEADERS, media=_PAGE), 304: _UNCHANGED},
        404,
        takes=("If-None-Match",),
        is_open=True,
    ),
    enable_validation=False,
)
@needs(None)
def get_problem_type(
    context: CurrentContext,
    code: Annotated[str, Path(description="The `code` of a problem.")],
) -> Response[Any]:
    """Read about a kind of problem: what it means and what to do. No key is needed."""
    if code not in TYPES:
        raise NotFoundError(f"there is no problem type {code!r}")
    return static_response(context, static_content(HTML, problem_page(TYPES[code])))


@router.get("/", include_in_schema=False)
@needs(None)
def get_root() -> Response[None]:
    """Lead people to the documentation."""
    return redirect("/docs")


@router.get("/docs/", include_in_schema=False)
@needs(None)
def get_docs_with_a_slash() -> Response[None]:
    """Lead people to the documentation, too."""
    return redirect("/docs", HTTPStatus.PERMANENT_REDIRECT)


@router.get("/favicon.ico", include_in_schema=False)
@needs(None)
def get_icon() -> Response[None]:
    """Have no icon, so that browsers do not ask again."""
    return no_content({"Cache-Control": "public, max-age=86400"})
