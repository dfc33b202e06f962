"""Functions that copy results."""

from kie_gateway.catalogue import catalogue
from kie_gateway.fetch.files import FileFetcher
from kie_gateway.flows.learn_time import learn_time
from kie_gateway.flows.store_outputs import StoreOutputs
from kie_gateway.media.measure import measure
from kie_gateway.observability import count, logger
from kie_gateway.settings import StoreFunctionSettings, WatchFunctionSettings
from kie_gateway.wiring.asking import Asking

# The bucket answers the end of an upload in a minute at most; then all is recorded.
_TO_FINISH_SECONDS = 75.0


class Storing(Asking):
    """Functions that copy results."""

    copies_files = True

    def __init__(self, settings: StoreFunctionSettings | WatchFunctionSettings) -> None:
        super().__init__(settings)
        self.store = StoreOutputs(
            tasks=self.tasks,
            files=FileFetcher(
                self.hosts,
                max_bytes=settings.max_result_bytes,
                time_left=self.time_left,
                keep_seconds=_TO_FINISH_SECONDS,
            ),
            outputs=self.bucket,
            kie=self.kie,
            policy=self.policy,
            measure=measure,
            now=self.now,
            retention_days=settings.asset_retention_days,
            minimum=smallest_picture,
            in_parts=takes_apart,
            tell_success=lambda task: learn_time(task, self.times, self.now()),
            tell_unlisted=_tell_unlisted,
        )


def _tell_unlisted(host: str) -> None:
    """Count a result on a host that is not listed; the rest of its link is nobody's business."""
    logger.warning("a result lies on a host that is not listed", extra={"host": host})
    count("ResultHostNotListed")


def smallest_picture(model: str) -> tuple[int, int] | None:
    """Tell the smallest picture that a model delivers, if that is known."""
    known = catalogue.find(model)
    return known.minimum if known is not None else None


def takes_apart(model: str) -> bool:
    """Tell whether a model takes pictures apart."""
    known = catalogue.find(model)
    return known is not None and "layer_decomposition" in known.tasks
