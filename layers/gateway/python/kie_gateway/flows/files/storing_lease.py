"""The right to copy a task's results, which one copy has at a time."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from kie_gateway.core.errors.storage_errors import LeaseLostError
from kie_gateway.core.moves import storing_moves
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Task


class StoringLease:
    """
    The lease of one copy, renewed while the copy goes on.

    Attributes:
        task: As it was when the lease was last renewed.
        keys: Of every file that this copy has begun to write.
    """

    def __init__(self, task: Task, tasks: TaskStore, now: Callable[[], datetime]) -> None:
        self.task = task
        self.keys: list[str] = []
        self._tasks = tasks
        self._now = now
        self._renewed_at = now()
        self._lock = Lock()

    @property
    def leased_until(self) -> datetime | None:
        """The lease as the record has it, unless another copy has taken over."""
        return self.task.storing_until

    def renew(self) -> None:
        """
        Renew the lease when it is time.

        Raises:
            LeaseLostError: Another copy has taken over.
        """
        with self._lock:
            if self._now() - self._renewed_at >= storing_moves.RENEW_AFTER:
                self._renew()

    def prove(self) -> None:
        """
        Make sure at this very moment that no other copy has taken over.

        Raises:
            LeaseLostError: One has.
        """
        with self._lock:
            self._renew()

    def _renew(self) -> None:
        now, until = self._now(), self.task.storing_until
        moved = self._tasks.move(
            self.task, lambda current: storing_moves.renew_storing_lease(current, until, now)
        )
        if not moved.changed:
            raise LeaseLostError("Another copy of the results has taken over.")
        self.task, self._renewed_at = moved.task, now
