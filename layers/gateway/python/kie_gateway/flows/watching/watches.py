"""Executions of the machine `WatchTask`: which one follows a task, and which one takes over."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.moves import ending_moves
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.ports.watching import Executions
from kie_gateway.core.task import Step, Task

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watches:
    """Starts further executions for tasks whose last one has ended or sleeps too long."""

    tasks: TaskStore
    executions: Executions
    now: Callable[[], datetime]

    def start(self, task: Task, *, wait_until: datetime | None = None) -> None:
        """
        Start the execution that a task's last move has counted, unless it was started before.

        Args:
            wait_until: When it looks at the task first; None for at once.

        Raises:
            BackendUnavailableError: It was not started; the sweep does it.
        """
        if task.is_swept and not task.status.is_settled:
            self.executions.start(task.task_id, task.watches, wait_until or self.now())

    def start_another(self, task: Task, *, wait_until: datetime | None = None) -> Task:
        """
        Follow a task with a further execution.

        Args:
            wait_until: When it looks at the task first; None for at once.

        Raises:
            BackendUnavailableError: It was counted or not, and surely not started.
        """
        now = self.now()
        after = self.tasks.move(task, lambda current: ending_moves.watch_again(current, now)).task
        self.executions.start(after.task_id, after.watches, wait_until or now)
        return after

    def go_on(self, task: Task) -> Task:
        """
        Have a task submitted soon whose model was exchanged while its execution sleeps.

        Where that fails, the one that follows the task finds it when it wakes.
        """
        if task.next_step is not Step.SUBMIT:
            return task
        try:
            return self.hand_over(task, wait_until=self.now())
        except BackendUnavailableError as error:
            _log.warning("the watch continues with %s: %s", task.task_id, error)
            return task

    def hand_over(self, task: Task, *, wait_until: datetime) -> Task:
        """
        Let another execution take over from one that sleeps too long.

        Raises:
            BackendUnavailableError: One of the two follows the task, or both, which is harmless.
        """
        after = self.start_another(task, wait_until=wait_until)
        words = "Another execution looks at the task sooner."
        self.executions.stop(task.task_id, task.watches, words)
        return after
