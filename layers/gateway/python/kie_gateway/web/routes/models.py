"""Models: what may be asked of Kie.ai, and what it takes."""

from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel

from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.catalogue import Model
from kie_gateway.core.api_key import Scope
from kie_gateway.core.errors import ModelNotFoundError
from kie_gateway.web.desk import Desk
from kie_gateway.web.models import (
    ModelBody,
    ModelCreditsBody,
    ModelListBody,
    ModelSummaryBody,
    ObservedBody,
)
from kie_gateway.web.requests import matches_etag
from kie_gateway.web.resolver import answers

if TYPE_CHECKING:
    from kie_gateway.core.model_times import Observed

type ModelKind = Literal["image", "video", "audio", "text", "data"]
type ModelStatus = Literal["current", "unlisted", "retired"]


def add_model_routes(desk: Desk) -> None:
    """Add the routes."""
    app, gateway = desk.app, desk.gateway

    @app.get(
        "/v1/models",
        responses=answers({200: "Models, by id", 304: "Your copy is good"}),
        tags=["models"],
    )
    @app.needs(Scope.TASKS_READ)
    def models(
        kind: Annotated[ModelKind | None, Query()] = None,
        family: Annotated[str | None, Query(max_length=50)] = None,
        task: Annotated[str | None, Query(max_length=50)] = None,
        status: Annotated[ModelStatus | None, Query()] = None,
        q: Annotated[
            str | None, Query(max_length=100, description="Part of the id or the title.")
        ] = None,
    ) -> Response[ModelListBody | None]:
        """List the models of the catalogue, without the retired ones. Others work, unchecked."""
        found = [
            model
            for model in catalogue.every()
            if kind in (None, model.kind)
            and family in (None, model.family)
            and (task is None or task in model.tasks)
            and (model.status != "retired" if status is None else model.status == status)
            and (q is None or q.lower() in f"{model.id} {model.title}".lower())
        ]
        return answer(ModelListBody(data=[_summary(model) for model in found]))

    # Ids contain slashes, up to two of them.
    @app.get(
        "/v1/models/<model_id>",
        responses=answers({200: "The model", 304: "Your copy is good"}, 404),
        tags=["models"],
    )
    @app.needs(Scope.TASKS_READ)
    def model(model_id: str) -> Response[ModelBody | None]:
        """Read a model: the schema of its input, what it costs, how long it takes."""
        return find(model_id)

    @app.get("/v1/models/<vendor>/<name>", include_in_schema=False)
    @app.needs(Scope.TASKS_READ)
    def model_of_vendor(vendor: str, name: str) -> Response[ModelBody | None]:
        """Read a model whose id has a slash."""
        return find(f"{vendor}/{name}")

    @app.get("/v1/models/<vendor>/<name>/<variant>", include_in_schema=False)
    @app.needs(Scope.TASKS_READ)
    def variant_of_model(vendor: str, name: str, variant: str) -> Response[ModelBody | None]:
        """Read a model whose id has two slashes."""
        return find(f"{vendor}/{name}/{variant}")

    def find(model_id: str) -> Response[ModelBody | None]:
        found = catalogue.find(unquote(model_id))
        if found is None:
            close = catalogue.similar(unquote(model_id))
            meant = f"; did you mean {' or '.join(close)}?" if close else ""
            raise ModelNotFoundError(f"the catalogue has no such model{meant}")
        return answer(_body(found, gateway.policy.observed(found.id)))

    def answer[Body: BaseModel](body: Body) -> Response[Body | None]:
        state = sha256(body.model_dump_json().encode()).hexdigest()[:16]
        etag = f'"{state}"'
        headers: dict[str, str | list[str]] = {
            "ETag": etag,
            "Cache-Control": "private, max-age=300",
        }
        if matches_etag(app.request_headers, etag):
            return Response(HTTPStatus.NOT_MODIFIED.value, headers=headers)
        return Response(
            HTTPStatus.OK.value, content_type="application/json", body=body, headers=headers
        )


def _summary(model: Model) -> ModelSummaryBody:
    return ModelSummaryBody(
        id=model.id,
        title=model.title,
        family=model.family,
        kind=model.kind,
        task=model.tasks[0],
        tasks=list(model.tasks),
        status=model.status,
        typical_seconds=model.typical_seconds,
        credits=ModelCreditsBody(**model.credits),
        aliases=list(model.aliases),
    )


def _body(model: Model, observed: "Observed | None") -> ModelBody:
    times = None
    if observed is not None:
        times = ObservedBody(
            count=observed.count,
            p50=observed.p50,
            p80=observed.p80,
            p95=observed.p95,
            p99=observed.p99,
        )
    return ModelBody(
        **_summary(model).model_dump(),
        input_schema=dict(model.input),
        defaults=dict(model.fill),
        typical_source=model.typical_source,
        observed=times,
        confidence=model.confidence,
        page=model.page_url,
    )
