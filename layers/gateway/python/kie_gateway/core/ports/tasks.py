"""The record of tasks, as flows need it; `aws/task_table.py` provides it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.moves.move import Move, NewRecord
from kie_gateway.core.task import Task
from kie_gateway.core.timeline import Entry

type Decide = Callable[[Task], Move | None]


@dataclass(frozen=True)
class Moved:
    """The record after a move was tried; `changed` is False when its clauses did not hold."""

    task: Task
    changed: bool


@dataclass(frozen=True)
class Existing:
    """The task an idempotency key already stands for, and whether for the same request."""

    task_id: str
    same_request: bool


@dataclass(frozen=True)
class TaskFilter:
    """Which of an owner's tasks to list; None leaves a clause out."""

    status: str | None = None
    model: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    def takes(self, task: Task) -> bool:
        """Whether a task is one of those."""
        return (
            self.status in (None, task.status.value)
            and self.model in (None, task.model)
            and (self.created_after is None or task.created_at > self.created_after)
            and (self.created_before is None or task.created_at < self.created_before)
        )


@dataclass(frozen=True)
class Page:
    """Tasks in order; `next_after` is the id to go on from, None at the end."""

    tasks: tuple[Task, ...]
    next_after: str | None


class TaskStore(Protocol):
    """
    The record of every task: one conditional move at a time, with its timeline.

    What a move means for the owner's account is written with it (`core/credits/account.py`).
    """

    def create(
        self,
        task: Task,
        entries: Sequence[Entry],
        idempotency: IdempotencyKey | None,
        *,
        tasks_at_once: int = 0,
        beside: Sequence[NewRecord] = (),
    ) -> Task | Existing:
        """
        Write a new task; the existing one's id if the idempotency key is taken.

        Args:
            tasks_at_once: How many the owner may have open; 0 for any number.
            beside: Tasks that are created by the same write, or not at all.

        Returns:
            The task with its funds, as it was written.

        Raises:
            TooManyTasksError, InsufficientCreditsError, BudgetExceededError: Nothing was written.
        """

    def existing(self, idempotency: IdempotencyKey, now: datetime) -> Existing | None:
        """Find the task that an idempotency key stands for; None if the key is free."""

    def forget(
        self, task: Task, idempotency: IdempotencyKey | None, beside: Sequence[Task] = ()
    ) -> None:
        """Take new tasks back, as if never created, unless one of them was moved since."""

    def get(self, task_id: str) -> Task | None:
        """Read a task as it stands."""

    def get_many(self, task_ids: Sequence[str]) -> list[Task]:
        """Read some tasks as they stand, in the order asked for; those that are not there lack."""

    def version_of(self, task_id: str) -> int | None:
        """Read which version a task is in, perhaps a moment late; None if it is not there."""

    def move(self, task: Task, decide: Decide) -> Moved:
        """
        Move the record, deciding again on the record as it stands whenever it has changed.

        Raises:
            RecordGoneError: The task has been withdrawn.
        """

    def find_by_upstream(self, upstream_task_id: str) -> list[Task]:
        """Find tasks by Kie's id; one that was given its id a moment ago may be missing."""

    def find_by_result(self, upstream_id: str) -> Task | None:
        """Find the task that first had a result with this id of Kie's, such as a track's."""

    def note(self, task_id: str, entry: Entry) -> None:
        """Add to the timeline without a move."""

    def note_once_a_minute(self, task_id: str, entry: Entry) -> None:
        """Add to the timeline, at most once a minute, what strangers can cause at will."""

    def delete_events(self, task_id: str) -> None:
        """Delete the bodies of the events about a task. Raises BackendUnavailableError."""

    def entries(self, task_id: str) -> list[Entry]:
        """Read the timeline, oldest first."""

    def list_tasks(
        self, owner: str, which: TaskFilter, *, limit: int, after: str | None, newest_first: bool
    ) -> Page:
        """List an owner's tasks."""


class Releases(Protocol):
    """Tasks whose credits are due for release."""

    def due(self, now: datetime) -> Sequence[str]:
        """Return some that are due, the longest overdue first. Raises BackendUnavailableError."""


class Sweeps(Protocol):
    """Tasks that nobody may care for."""

    def to_sweep(self, now: datetime) -> Sequence[str]:
        """Return some that are due, the longest overdue first. Raises BackendUnavailableError."""
