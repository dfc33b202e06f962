"""Cancel a task: nobody waits for it any more, and a later result is not delivered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.caller_errors import TaskSettledError
from kie_gateway.core.moves import ending_moves, group_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Task
from kie_gateway.flows.groups.cascade import Cascade


@dataclass(frozen=True)
class CancelTask:
    """
    Cancels tasks; Kie.ai cannot be stopped, so what it makes is charged all the same.

    Attributes:
        cascade: Goes through what belongs to a task.
    """

    tasks: TaskStore
    cascade: Cascade
    now: Callable[[], datetime]

    def __call__(self, task: Task, *, cascade: bool = False) -> Task:
        """
        Cancel a task.

        Args:
            cascade: Whether to cancel everything that belongs to it, too.

        Returns:
            The canceled task.

        Raises:
            TaskSettledError: It has ended already, and so has all that belongs to it.
            BackendUnavailableError: Not all is canceled; canceling again is right.
        """
        if not cascade:
            moved = self.tasks.move(task, lambda current: ending_moves.cancel(current, self.now()))
            if not moved.changed:
                raise _settled(moved.task)
            return moved.task
        changed = list[bool]()

        def act(one: Task) -> Task:
            moved = self.tasks.move(one, self._decide)
            changed.append(moved.changed)
            return moved.task

        [after, *_] = list(self.cascade(task, act))
        if not any(changed):
            raise _settled(after)
        return after

    def if_open(self, task: Task) -> Task:
        """Cancel one task, and what is to follow it, unless it has ended."""
        return self.tasks.move(task, self._decide).task

    def _decide(self, task: Task) -> Move | None:
        now = self.now()
        words = "Canceled by the caller; no further child is created."
        return ending_moves.cancel(task, now) or group_moves.skip_children(task, words, now)


def _settled(task: Task) -> TaskSettledError:
    return TaskSettledError(f"the task has already ended as {task.status.value}")
