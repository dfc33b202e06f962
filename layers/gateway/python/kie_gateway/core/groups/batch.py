"""
Many tasks asked for by one request.

A batch is recorded, with what all of its tasks cost, before the first of them is created. Its tasks
are created in order, some at a time, each lot together with what the batch says of it. When one of
them ends, it is counted by the very write that ends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from kie_gateway.core.credits.reservation import Funds
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.sweep import START_GRACE
from kie_gateway.core.task import SETTLED, Status

LARGEST_BATCH = 100


class BatchStatus(StrEnum):
    """Where a batch stands, in the words of the HTTP API."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True)
class Batch:
    """
    A batch, as recorded.

    Attributes:
        total: How many tasks it asks for.
        created: How many of them have a record; those that come first.
        planned_tasks: How many tasks are to come, with what is to follow them.
        planned_credits: What is set aside for those.
        release_after_seconds: As in a task's reservation.
        ended: How many of its tasks have ended, by status.
        changed_at: When the last of them ended.
        sweep_at: When somebody looks whether there is something to be done; None if there is not.
    """

    batch_id: str
    owner: str
    callback_base_url: str
    total: int
    created_at: datetime
    planned_tasks: int
    planned_credits: Decimal
    release_after_seconds: int
    funds: Funds = Funds.UNLIMITED
    created: int = 0
    canceled_at: datetime | None = None
    ended: Mapping[Status, int] = field(default_factory=dict)
    changed_at: datetime | None = None
    sweep_at: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Whether no task of it is created any more."""
        return self.created == self.total or self.canceled_at is not None

    @property
    def all_ended(self) -> int:
        """How many of its tasks have ended, or will never be created."""
        never = self.total - self.created if self.canceled_at is not None else 0
        return sum(self.ended.values()) + never

    @property
    def status(self) -> BatchStatus:
        """Judge it; one that was canceled is, whatever its tasks have come to."""
        if self.canceled_at is not None:
            return BatchStatus.CANCELED
        if self.all_ended < self.total:
            return BatchStatus.RUNNING
        succeeded = self.ended.get(Status.SUCCEEDED, 0)
        if succeeded == self.total:
            return BatchStatus.SUCCEEDED
        return BatchStatus.PARTIAL if succeeded else BatchStatus.FAILED

    @property
    def completed_at(self) -> datetime | None:
        """When the last of its tasks ended, or could not begin any more; None while one may."""
        if self.all_ended < self.total:
            return None
        return max(filter(None, (self.changed_at, self.canceled_at)), default=None)

    def task_ids(self) -> list[str]:
        """List the ids of its tasks that are created."""
        return [derived_task_id(self.batch_id, place) for place in range(self.created)]


def counted(status: Status) -> Status | None:
    """Return what a task counts as in its batch; None while it has not ended."""
    return status if status in SETTLED else None


def with_created(
    batch: Batch,
    more: int,
    statuses: Sequence[Status],
    tasks: int,
    credits_: Decimal,
    now: datetime,
) -> Batch:
    """
    Record that some tasks are created.

    Args:
        more: How many.
        statuses: Of those that have ended already.
        tasks: How many there are with what is to follow them.
        credits_: What was set aside for all of those.
    """
    created = batch.created + more
    is_whole = created == batch.total
    ended = {
        status: batch.ended.get(status, 0) + statuses.count(status)
        for status in {*batch.ended, *statuses}
    }
    return replace(
        batch,
        created=created,
        ended=ended,
        changed_at=now if statuses else batch.changed_at,
        # The last takes what is left, whatever the prices are by now.
        planned_tasks=0 if is_whole else batch.planned_tasks - tasks,
        planned_credits=Decimal(0) if is_whole else batch.planned_credits - credits_,
        sweep_at=None if is_whole else batch.sweep_at,
    )


def canceled(batch: Batch, now: datetime) -> Batch | None:
    """Create no more of its tasks; None if it is canceled or has ended."""
    if batch.canceled_at is not None or batch.all_ended == batch.total:
        return None
    return replace(
        batch,
        canceled_at=now,
        planned_tasks=0,
        planned_credits=Decimal(0),
        sweep_at=now + START_GRACE,
    )


def swept_later(batch: Batch, now: datetime) -> Batch | None:
    """Claim what there is to be done; whoever dies over it is followed by another."""
    return replace(batch, sweep_at=now + START_GRACE) if batch.sweep_at is not None else None


def swept(batch: Batch) -> Batch | None:
    """Record that nothing is to be done any more."""
    return replace(batch, sweep_at=None) if batch.sweep_at is not None else None
