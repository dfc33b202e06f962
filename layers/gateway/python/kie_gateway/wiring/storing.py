"""Parts that copy results."""

from kie_gateway.catalogue import catalogue
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.fetch.files import FileFetcher
from kie_gateway.flows.files.store_outputs import StoreOutputs
from kie_gateway.flows.polling.learn_time import LearnTime
from kie_gateway.media.measure import measure
from kie_gateway.observability import count, logger
from kie_gateway.settings import StoreSettings
from kie_gateway.wiring.polling import Polling
from kie_gateway.wiring.runtime import Runtime

# The bucket answers the end of an upload in a minute at most; then all is recorded.
_TO_FINISH_SECONDS = 75.0


def make_store_outputs(
    settings: StoreSettings,
    runtime: Runtime,
    tasks: TaskStore,
    polling: Polling,
) -> StoreOutputs:
    """Make what copies results into the bucket."""
    return StoreOutputs(
        tasks=tasks,
        files=FileFetcher(
            polling.hosts,
            max_bytes=settings.max_result_bytes,
            time_left=runtime.time_left,
            keep_seconds=_TO_FINISH_SECONDS,
        ),
        outputs=runtime.bucket,
        kie=polling.kie.client,
        policy=polling.policy,
        measure=measure,
        now=runtime.now,
        retention_days=settings.asset_retention_days,
        minimum=_smallest_picture,
        in_parts=_takes_apart,
        report_success=LearnTime(polling.times, runtime.now),
        report_unlisted=_report_unlisted,
    )


def _report_unlisted(host: str) -> None:
    """Count a result on a host that is not listed; the rest of its link is nobody's business."""
    logger.warning("a result is on a host that is not listed", extra={"host": host})
    count("ResultHostNotListed")


def _smallest_picture(model: str) -> tuple[int, int] | None:
    """Return the smallest picture that a model delivers, None if that is not known."""
    known = catalogue.find(model)
    return known.minimum if known is not None else None


def _takes_apart(model: str) -> bool:
    """Whether a model takes pictures apart."""
    known = catalogue.find(model)
    return known is not None and "layer_decomposition" in known.tasks
