"""Models, from the catalogue to what callers see."""

from kie_gateway.core.polling.model_times import Observed
from kie_gateway.web.catalogue import schemas
from kie_gateway.web.schemas import ModelFamily, ModelKind
from kie_gateway.web.use_cases import Model


def summary_schema(model: Model) -> schemas.ModelSummary:
    """Present a model in a list."""
    return schemas.ModelSummary(
        id=model.id,
        title=model.title,
        family=ModelFamily(model.family),
        kind=ModelKind(model.kind),
        task=model.tasks[0],
        tasks=list(model.tasks),
        status=schemas.ModelStatus(model.status),
        typical_seconds=model.typical_seconds,
        credits=schemas.ModelCredits(**model.credits),
        aliases=list(model.aliases),
    )


def model_schema(model: Model, observed: Observed | None) -> schemas.Model:
    """
    Present everything that is known of a model.

    Args:
        observed: Times of this deployment's own tasks.
    """
    return schemas.Model(
        **summary_schema(model).model_dump(),
        input_schema=dict(model.input),
        defaults=dict(model.fill),
        typical_source=schemas.TimeSource(model.typical_source),
        observed=_times_schema(observed) if observed is not None else None,
        confidence=schemas.Confidence(model.confidence),
        page=model.page_url,
    )


def _times_schema(observed: Observed) -> schemas.ObservedTimes:
    return schemas.ObservedTimes(
        count=observed.count,
        p50=observed.p50,
        p80=observed.p80,
        p95=observed.p95,
        p99=observed.p99,
    )
