"""Routes to the catalogue: which models there are, what they take and what they cost."""

from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.core.errors.caller_errors import ModelNotFoundError
from kie_gateway.web.access import needs
from kie_gateway.web.catalogue import schemas
from kie_gateway.web.catalogue.presenters import model_schema, summary_schema
from kie_gateway.web.operations import Success, operation
from kie_gateway.web.request_context import CurrentContext, RequestContext
from kie_gateway.web.responses import CACHED, cached_response
from kie_gateway.web.routing import new_router
from kie_gateway.web.schemas import ModelFamily, ModelKind
from kie_gateway.web.use_cases import Model

router = new_router()

_TAG = "models"
_UNCHANGED = Success("Your copy is still good.", CACHED)
_IF_NONE_MATCH = ("If-None-Match",)


@router.get(
    "/v1/models",
    **operation(
        "listModels",
        _TAG,
        {200: Success("The models, by id.", CACHED), 304: _UNCHANGED},
        takes=_IF_NONE_MATCH,
    ),
)
@needs(Scope.TASKS_READ)
def list_models(
    context: CurrentContext,
    kind: Annotated[ModelKind | None, Query(description="Only models that make this.")] = None,
    family: Annotated[ModelFamily | None, Query(description="Only models of this API.")] = None,
    task: Annotated[
        str | None,
        Query(max_length=50, description="Only models that do this, such as `text_to_image`."),
    ] = None,
    status: Annotated[
        schemas.ModelStatus | None,
        Query(description="Only models with this status. By default, all that are not retired."),
    ] = None,
    q: Annotated[
        str | None, Query(max_length=100, description="Part of the id or of the title.")
    ] = None,
) -> Response[schemas.ModelList | None]:
    """
    List the models of the catalogue. Retired models are left out unless they are asked for.

    Models that are not in the catalogue can be used as well; their input is not checked.
    """
    found = [
        model
        for model in context.use_cases.catalogue.every()
        if kind in (None, model.kind)
        and family in (None, model.family)
        and (task is None or task in model.tasks)
        and (model.status != "retired" if status is None else model.status == status)
        and (q is None or q.lower() in f"{model.id} {model.title}".lower())
    ]
    return cached_response(
        context.headers, schemas.ModelList(data=[summary_schema(model) for model in found])
    )


# Ids contain slashes, up to two of them.
@router.get(
    "/v1/models/<model_id>",
    **operation(
        "getModel",
        _TAG,
        {200: Success("The model.", CACHED), 304: _UNCHANGED},
        404,
        takes=_IF_NONE_MATCH,
    ),
)
@needs(Scope.TASKS_READ)
def get_model(
    context: CurrentContext,
    model_id: Annotated[
        str, Path(description="The id or an alias; its slashes may be sent as they are.")
    ],
) -> Response[schemas.Model | None]:
    """Read a model. This includes the schema of its input, its price and its typical duration."""
    return _find(context, model_id)


@router.get("/v1/models/<vendor>/<name>", include_in_schema=False)
@needs(Scope.TASKS_READ)
def get_model_of_vendor(
    context: CurrentContext, vendor: str, name: str
) -> Response[schemas.Model | None]:
    """Read a model whose id has a slash."""
    return _find(context, f"{vendor}/{name}")


@router.get("/v1/models/<vendor>/<name>/<variant>", include_in_schema=False)
@needs(Scope.TASKS_READ)
def get_variant_of_model(
    context: CurrentContext, vendor: str, name: str, variant: str
) -> Response[schemas.Model | None]:
    """Read a model whose id has two slashes."""
    return _find(context, f"{vendor}/{name}/{variant}")


def _find(context: RequestContext, sent: str) -> Response[Any]:
    catalogue, model_id = context.use_cases.catalogue, unquote(sent)
    found: Model | None = catalogue.find(model_id)
    if found is None:
        close = catalogue.similar(model_id)
        meant = f"; did you mean {' or '.join(close)}?" if close else ""
        raise ModelNotFoundError(f"the catalogue has no such model{meant}")
    return cached_response(
        context.headers, model_schema(found, context.use_cases.observed(found.id))
    )
