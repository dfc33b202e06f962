"""The record of batches, as flows need it; `aws/batch_table.py` provides it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.moves.move import NewRecord


@dataclass(frozen=True)
class BatchMove:
    """
    A batch as it shall be.

    Attributes:
        creates: Tasks of it, and what is created with them; they take over what is set aside.
    """

    batch: Batch
    creates: tuple[NewRecord, ...] = ()


@dataclass(frozen=True)
class ExistingBatch:
    """The batch an idempotency key already stands for, and whether for the same request."""

    batch_id: str
    same_request: bool


type DecideBatch = Callable[[Batch], BatchMove | None]


class Batches(Protocol):
    """The record of every batch."""

    def create(
        self, batch: Batch, idempotency: IdempotencyKey | None, *, tasks_at_once: int
    ) -> Batch | ExistingBatch:
        """
        Write a new batch, and set credits aside for all of its tasks.

        Raises:
            TooManyTasksError, InsufficientCreditsError, BudgetExceededError: Nothing was written.
        """

    def existing(self, idempotency: IdempotencyKey, now: datetime) -> ExistingBatch | None:
        """Find the batch that an idempotency key stands for; None if the key is free."""

    def get(self, owner: str, batch_id: str) -> Batch | None:
        """Read a batch as it stands."""

    def move(self, batch: Batch, decide: DecideBatch, now: datetime) -> tuple[Batch, bool]:
        """Move the record, deciding again whenever it has changed; and tell whether it moved."""

    def list_batches(
        self, owner: str, *, limit: int, after: str | None
    ) -> tuple[Sequence[Batch], str | None]:
        """List an owner's batches, newest first; with the id to go on after, None at the end."""

    def batches_to_sweep(self, now: datetime) -> Sequence[tuple[str, str]]:
        """Return owner and id of some that are due, the longest overdue first."""
