"""Models: what may be asked of Kie.ai, and what it takes."""

from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Query

from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.catalogue import Model
from kie_gateway.core.errors import ModelNotFoundError
from kie_gateway.web.desk import Desk
from kie_gateway.web.models import (
    ModelBody,
    ModelCreditsBody,
    ModelListBody,
    ModelSummaryBody,
    ObservedBody,
)
from kie_gateway.web.resolver import answers

if TYPE_CHECKING:
    from kie_gateway.core.model_times import Observed

type ModelStatus = Literal["current", "unlisted", "retired"]


def add_model_routes(desk: Desk) -> None:
    """Add the routes."""
    app, gateway = desk.app, desk.gateway

    @app.get("/v1/models", responses=answers({200: "Models"}), tags=["models"])
    def models(
        kind: Annotated[Literal["image", "video", "audio", "text"] | None, Query()] = None,
        family: Annotated[str | None, Query(max_length=50)] = None,
        task: Annotated[str | None, Query(max_length=50)] = None,
        status: Annotated[ModelStatus | None, Query()] = None,
        q: Annotated[str | None, Query(max_length=100, description="Part of the id.")] = None,
    ) -> ModelListBody:
        """List the models of the catalogue. Others work too, unchecked."""
        found = [
            model
            for model in catalogue.every()
            if kind in (None, model.kind)
            and family in (None, model.family)
            and task in (None, model.task)
            and (model.status != "retired" if status is None else model.status == status)
            and (q is None or q.lower() in model.id.lower())
        ]
        return ModelListBody(data=[_summary(model) for model in found])

    # Ids contain slashes, up to three of them.
    @app.get("/v1/models/<a>", responses=answers({200: "The model"}, 404), tags=["models"])
    def model(a: str) -> ModelBody:
        """Read a model: the schema of its input, what it costs, how long it takes."""
        return find(a)

    @app.get("/v1/models/<a>/<b>", include_in_schema=False)
    def model_2(a: str, b: str) -> ModelBody:
        """Read a model whose id has a slash."""
        return find(f"{a}/{b}")

    @app.get("/v1/models/<a>/<b>/<c>", include_in_schema=False)
    def model_3(a: str, b: str, c: str) -> ModelBody:
        """Read a model whose id has two slashes."""
        return find(f"{a}/{b}/{c}")

    def find(model_id: str) -> ModelBody:
        found = catalogue.find(unquote(model_id))
        if found is None:
            close = catalogue.similar(unquote(model_id))
            meant = f"; did you mean {' or '.join(close)}?" if close else ""
            raise ModelNotFoundError(f"the catalogue has no such model{meant}")
        return _body(found, gateway.policy.observed(found.id))


def _summary(model: Model) -> ModelSummaryBody:
    return ModelSummaryBody(
        id=model.id,
        family=model.family,
        kind=model.kind,
        task=model.task,
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
