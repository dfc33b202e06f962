"""Go on with batches whose tasks nobody creates, or cancels, any more."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.groups.batch import Batch, swept_later
from kie_gateway.core.ports.batches import Batches, BatchMove
from kie_gateway.flows.groups.cancel_batch import CancelBatch
from kie_gateway.flows.groups.create_batch_tasks import CreateBatchTasks
from kie_gateway.flows.watching.sweep_tasks import PLANS_AWAITED

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SweepBatches:
    """Sweeps batches; each one's clock is set to later before anything is done for it."""

    batches: Batches
    create_tasks: CreateBatchTasks
    cancel: CancelBatch
    now: Callable[[], datetime]

    def __call__(self, has_time: Callable[[], bool]) -> int:
        """
        Go on with everything that is due.

        Args:
            has_time: Whether there is time for some more; what is left over is done the next time.

        Returns:
            How many batches were gone on with.
        """
        due = self.batches.batches_to_sweep(self.now())
        return sum(has_time() and self._try(owner, batch_id, has_time) for owner, batch_id in due)

    def _try(self, owner: str, batch_id: str, has_time: Callable[[], bool]) -> bool:
        try:
            batch = self.batches.get(owner, batch_id)
            return batch is not None and self._go_on(batch, has_time)
        except GatewayError as error:
            _log.warning("%s is swept later: %s", batch_id, error)
        except Exception:  # noqa: BLE001 - whatever it is
            # A record that cannot even be read must not stand in the way of the others.
            _log.exception("%s cannot be swept", batch_id)
        return False

    def _go_on(self, batch: Batch, has_time: Callable[[], bool]) -> bool:
        def later(current: Batch) -> BatchMove | None:
            after = swept_later(current, self.now())
            return BatchMove(after) if after is not None else None

        batch, is_moved = self.batches.move(batch, later, self.now())
        if not is_moved:
            return False
        if batch.canceled_at is not None:
            self.cancel.cancel_tasks(batch, has_time)
        else:
            self._create_tasks(batch, has_time)
        return True

    def _create_tasks(self, batch: Batch, has_time: Callable[[], bool]) -> None:
        """Create what is left; a batch whose plan nobody can read any more is canceled."""
        try:
            self.create_tasks(batch, has_time)
        except StorageError as error:
            if self.now() - batch.created_at < PLANS_AWAITED:
                raise
            _log.error("%s is canceled, as its plan is gone: %s", batch.batch_id, error.message)
            self.cancel(batch, has_time)
