"""Cancel a task: nobody waits for it any more, and a later result is not delivered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.caller_errors import TaskSettledError
from kie_gateway.core.moves import ending_moves
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Task


@dataclass(frozen=True)
class CancelTask:
    """Cancels tasks; Kie.ai cannot be stopped, so what it makes is charged all the same."""

    tasks: TaskStore
    now: Callable[[], datetime]

    def __call__(self, task: Task) -> Task:
        """
        Cancel a task.

        Returns:
            The canceled task.

        Raises:
            TaskSettledError: It has ended already.
            BackendUnavailableError: Nothing has happened; canceling again is right.
        """
        moved = self.tasks.move(task, lambda current: ending_moves.cancel(current, self.now()))
        if not moved.changed:
            raise TaskSettledError(f"the task has already ended as {moved.task.status.value}")
        return moved.task
