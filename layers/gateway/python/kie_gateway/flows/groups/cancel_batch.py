"""Cancel a batch: its open tasks with all that belongs to them, and those to come."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.caller_errors import BatchSettledError
from kie_gateway.core.groups.batch import Batch, canceled, swept
from kie_gateway.core.ports.batches import Batches, BatchMove
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Task
from kie_gateway.flows.groups.cascade import Cascade
from kie_gateway.flows.groups.plans import BatchPlans

_log = logging.getLogger(__name__)

_AT_ONCE = 8


@dataclass(frozen=True)
class CancelBatch:
    """
    Cancels batches; what there is no time for is canceled by the sweep.

    Attributes:
        cascade: Goes through what belongs to a task.
        cancel_one: Cancels one task, and what is to follow it, unless it has ended.
    """

    batches: Batches
    plans: BatchPlans
    tasks: TaskStore
    cascade: Cascade
    cancel_one: Callable[[Task], Task]
    now: Callable[[], datetime]

    def __call__(self, batch: Batch, has_time: Callable[[], bool]) -> Batch:
        """
        Cancel a batch.

        Args:
            has_time: Whether there is time to cancel some more tasks.

        Returns:
            The canceled batch.

        Raises:
            BatchSettledError: It has ended already.
            BackendUnavailableError: Nothing has happened; canceling again is right.
        """

        def decide(current: Batch) -> BatchMove | None:
            after = canceled(current, self.now())
            return BatchMove(after) if after is not None else None

        batch, is_moved = self.batches.move(batch, decide, self.now())
        if not is_moved:
            raise BatchSettledError(f"the batch has already ended as {batch.status.value}")
        return self.cancel_tasks(batch, has_time)

    def cancel_tasks(self, batch: Batch, has_time: Callable[[], bool]) -> Batch:
        """Cancel what is open of a canceled batch, and what is to follow; returns the batch."""
        is_done = True
        for some in batched(batch.task_ids(), _AT_ONCE, strict=False):
            if not has_time():
                return self._read(batch)
            is_done = self._cancel_some(some) and is_done
        if is_done:
            self.plans.drop(batch.owner, batch.batch_id)
            batch, _ = self.batches.move(self._read(batch), _done, self.now())
        return self._read(batch)

    def _cancel_some(self, task_ids: tuple[str, ...]) -> bool:
        """Whether all of them have ended now."""
        tasks = self.tasks.get_many(task_ids)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            done = [pool.submit(copy_context().run, self._cancel, task) for task in tasks]
        return all(one.result() for one in done)

    def _cancel(self, task: Task) -> bool:
        try:
            for _ in self.cascade(task, self.cancel_one):
                pass
        except GatewayError as error:
            _log.warning("%s of a canceled batch is canceled later: %s", task.task_id, error)
            return False
        return True

    def _read(self, batch: Batch) -> Batch:
        return self.batches.get(batch.owner, batch.batch_id) or batch


def _done(batch: Batch) -> BatchMove | None:
    after = swept(batch)
    return BatchMove(after) if after is not None else None
