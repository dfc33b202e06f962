"""Batches and their tasks, as the suite of their record moves them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.credits.reconciliation import LedgerSnapshot, differences
from kie_gateway.core.credits.reservation import Fate, Reservation
from kie_gateway.core.groups.batch import (
    Batch,
    canceled,
    with_created,
)
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.moves.move import Move, NewRecord
from kie_gateway.core.ports.accounts import Accounts
from kie_gateway.core.ports.batches import Batches, BatchMove, DecideBatch
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Status, Task
from kie_gateway.core.timeline import Entry, Happened
from tests.makers import NOW, make_task, seconds

if TYPE_CHECKING:
    pass

PRICE = Decimal(4)


@dataclass(frozen=True)
class Records:
    """The record of batches, with those of tasks and accounts that it writes to."""

    batches: Batches
    tasks: TaskStore
    accounts: Accounts

    def made(self, batch: Batch, **more: Any) -> Batch:
        made = self.batches.create(batch, more.get("key"), tasks_at_once=more.get("at_once", 0))
        assert isinstance(made, Batch)
        return made

    def found(self, batch: Batch) -> Batch:
        found = self.batches.get(batch.owner, batch.batch_id)
        assert found is not None
        return found

    def figures(self) -> tuple[float, float, float, int]:
        """Tell balance, reserved, spent and open tasks."""
        one = self.accounts.account("alice", NOW)
        return float(one.balance), float(one.reserved), float(one.spent), one.open_tasks

    def differing(self, *batches: Batch) -> list[str]:
        now_there = [self.found(batch) for batch in batches]
        ids = [task_id for batch in now_there for task_id in batch.task_ids()]
        entries, _ = self.accounts.ledger("alice", limit=100, before=None)
        ledger = LedgerSnapshot(
            {"alice": self.accounts.account("alice", NOW)},
            {"alice": entries},
            {task.task_id: task for task in self.tasks.get_many(ids)},
            {batch.batch_id: batch for batch in now_there},
        )
        return [one.words for one in differences(ledger, NOW)]


def make_batch(number: int = 1, **changes: Any) -> Batch:
    fields: dict[str, Any] = {
        "batch_id": f"batch_{number:026d}",
        "owner": "alice",
        "callback_base_url": "https://gateway.test",
        "total": 3,
        "created_at": NOW,
        "planned_tasks": 3,
        "planned_credits": 3 * PRICE,
        "release_after_seconds": 60,
        "sweep_at": NOW + seconds(120),
    }
    return Batch(**{**fields, **changes})


def key(fingerprint: str = "same") -> IdempotencyKey:
    return IdempotencyKey("alice", "key-1", fingerprint, forget_at=NOW + timedelta(hours=25))


def record(batch: Batch, place: int, **changes: Any) -> NewRecord:
    task = make_task(
        task_id=derived_task_id(batch.batch_id, place),
        batch_id=batch.batch_id,
        reservation=Reservation(PRICE, 60, batch.funds),
        **changes,
    )
    return NewRecord(task, (Entry(Happened.CREATED, NOW, f"number {place}"),))


def creating(number: int, statuses: Sequence[Status] = (), after: float = 0) -> DecideBatch:
    """Create some more of a batch's tasks; the first of them have ended already."""
    unpaid = Reservation(Decimal(0), 60, fate=Fate.RELEASED)

    def decide(batch: Batch) -> BatchMove | None:
        if batch.is_whole:
            return None
        places = range(batch.created, min(batch.created + number, batch.total))
        records = [record(batch, place) for place in places]
        for place, status in enumerate(statuses):
            ended = replace(records[place].task, status=status, reservation=unpaid)
            records[place] = replace(records[place], task=ended)
        held = sum(
            (one.task.reservation.held for one in records if one.task.reservation), 0 * PRICE
        )
        moved = with_created(
            batch, len(records), list(statuses), len(records), held, NOW + seconds(after)
        )
        return BatchMove(moved, tuple(records))

    return decide


def canceling(after: float = 0) -> DecideBatch:
    def decide(batch: Batch) -> BatchMove | None:
        moved = canceled(batch, NOW + seconds(after))
        return BatchMove(moved) if moved is not None else None

    return decide


def ends(records: Records, batch: Batch, place: int, status: Status, after: float = 60) -> Task:
    task = records.tasks.get(derived_task_id(batch.batch_id, place))
    assert task is not None
    entry = Entry(Happened.FAILED, NOW + seconds(after), "ended")
    return records.tasks.move(task, lambda one: Move(replace(one, status=status), (entry,))).task
