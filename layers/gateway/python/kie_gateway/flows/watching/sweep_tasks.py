"""Look after tasks that nobody may care for: open without a watch, deleted with something left."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.files.bucket_keys import folders_of
from kie_gateway.core.moves import ending_moves, group_moves, sweep_moves
from kie_gateway.core.ports.files import OutputStore
from kie_gateway.core.ports.tasks import Sweeps, TaskStore
from kie_gateway.core.ports.watching import Executions, StoreQueue
from kie_gateway.core.task import Status, Task
from kie_gateway.flows.each_due import each_due

_log = logging.getLogger(__name__)

# A bucket in trouble is mended by then; what is gone is gone.
PLANS_AWAITED = timedelta(days=1)


@dataclass(frozen=True)
class SweepTasks:
    """
    The sweep.

    Each task's clock is set to later before anything is done for it, so one that kills whoever
    looks after it does not keep the others waiting.

    Attributes:
        refresh: Asks about an expired task, whose result still counts.
        create_children: Creates the children of a task that are due.
    """

    sweeps: Sweeps
    tasks: TaskStore
    executions: Executions
    store_queue: StoreQueue
    files: OutputStore
    refresh: Callable[[Task], Task]
    create_children: Callable[[Task], Task]
    now: Callable[[], datetime]

    def __call__(self, has_time: Callable[[], bool]) -> int:
        """
        Look after everything that is due.

        Args:
            has_time: Whether there is time for one more; what is left over is done the next time.

        Returns:
            How many tasks were cared for; those that are followed as they should be do not count.
        """
        due = each_due(lambda: self.sweeps.to_sweep(self.now()), has_time)
        return sum(self._try(task_id) for task_id in due)

    def _try(self, task_id: str) -> bool:
        try:
            task = self.tasks.get(task_id)
            return task is not None and self.look_after(task)
        except GatewayError as error:
            _log.warning("%s is swept later: %s", task_id, error)
        except Exception:  # noqa: BLE001 - whatever it is
            # A record that cannot even be read must not stand in the way of the others.
            _log.exception("%s cannot be swept", task_id)
        return False

    def look_after(self, task: Task) -> bool:
        """Do what one task lacks; False if it lacked nothing."""
        if task.deleted_at is not None:
            return self._clean(task)
        if task.has_due_children:
            return self._create_children(task)
        if task.status.is_settled:
            return False
        now = self.now()
        if task.is_overdue(now):
            return self._expire(task, now)
        return self._follow(task, now)

    def _create_children(self, task: Task) -> bool:
        """Create what whoever settled the task has not."""
        now = self.now()
        later = self.tasks.move(task, lambda one: group_moves.create_children_later(one, now))
        if later.changed:
            try:
                self.create_children(later.task)
            except StorageError as error:
                self._give_up_children(later.task, error, now)
        return later.changed

    def _give_up_children(self, task: Task, error: StorageError, now: datetime) -> None:
        """Skip children whose plan nobody can read any more; raises the error before that."""
        if task.completed_at is None or now - task.completed_at < PLANS_AWAITED:
            raise error
        words = f"What was to follow cannot be read any more: {error.message}"
        self.tasks.move(task, lambda one: group_moves.skip_children(one, words, now))

    def _clean(self, task: Task) -> bool:
        """Remove what has come into a deleted task's folders since, and bodies of its events."""
        if not self.tasks.move(task, lambda one: sweep_moves.clean_later(one, self.now())).changed:
            return False
        self.tasks.delete_events(task.task_id)
        for folder in folders_of(task):
            self.files.delete_folder(folder)
        return self.tasks.move(task, sweep_moves.cleaned).changed

    def _expire(self, task: Task, now: datetime) -> bool:
        """Record that the deadline has passed, and ask Kie.ai at once."""
        expired = self.tasks.move(task, lambda current: ending_moves.expire(current, now))
        if expired.changed:
            self.refresh(expired.task)
        return expired.changed

    def _follow(self, task: Task, now: datetime) -> bool:
        """Start another execution, unless the last one is running."""
        if self.executions.is_running(task.task_id, task.watches):
            self.tasks.move(task, lambda current: sweep_moves.look_later(current, now))
            return False
        followed = self.tasks.move(task, lambda current: sweep_moves.follow_anew(current, now))
        if not followed.changed:
            return False
        task = followed.task
        self.executions.start(task.task_id, task.watches, now)
        if task.status is Status.STORING:
            self.store_queue.request_storing(task.task_id)
        return True
