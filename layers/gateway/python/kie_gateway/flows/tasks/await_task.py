"""Wait a little for a task to settle, so that callers need not come back."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.progress import seconds_to_next_look
from kie_gateway.core.task import Task

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AwaitTask:
    """
    Looks at a record again and again until the task is settled or the time is up.

    Looks are rare while the end is far away, and frequent around the moment at which it is expected
    (`core/progress.py`). The whole record, which may be large, is read once it has changed.
    """

    tasks: TaskStore
    sleep: Callable[[float], None]
    now: Callable[[], datetime]

    def __call__(self, task: Task, wait_seconds: float) -> Task:
        """
        Wait for one task.

        Returns:
            The record as it was last read: whoever waits has a task already, so trouble with
            reading only ends the wait.
        """
        until = self.now() + timedelta(seconds=wait_seconds)
        while not task.status.is_settled:
            now = self.now()
            left = (until - now).total_seconds()
            if left <= 0:
                break
            self.sleep(min(seconds_to_next_look(task, now), left))
            task = self._latest(task)
        return task

    def _latest(self, task: Task) -> Task:
        try:
            if self.tasks.version_of(task.task_id) == task.version:
                return task
            return self.tasks.get(task.task_id) or task
        except BackendUnavailableError as error:
            _log.warning("%s could not be read again: %s", task.task_id, error)
            return task
