"""The record of batches in memory; it passes the suite of the real one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.posting import Planned, post_plan, post_planned
from kie_gateway.core.credits.posting_builder import Posting
from kie_gateway.core.credits.reservation import Funds
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.groups.batch import Batch, counted
from kie_gateway.core.ports.batches import BatchMove, DecideBatch, ExistingBatch
from kie_gateway.core.task import Status, Task
from tests.fakes import MAX_TRIES, FakeTaskStore


class FakeBatches:
    """Batches of the tasks in a fake store, which counts them."""

    def __init__(self, tasks: FakeTaskStore) -> None:
        self._tasks = tasks
        self._batches: dict[str, Batch] = {}
        tasks.count_in_batch = self._count

    def create(
        self, batch: Batch, idempotency: IdempotencyKey | None, *, tasks_at_once: int
    ) -> Batch | ExistingBatch:
        def post(account: Account) -> Posting:
            nonlocal batch
            batch = replace(batch, funds=Funds.UNLIMITED if account.unlimited else Funds.BALANCE)
            return post_plan(
                account,
                batch.batch_id,
                batch.planned_credits,
                batch.planned_tasks,
                tasks_at_once,
                batch.created_at,
            )

        with self._tasks.lock:
            if idempotency is not None:
                existing = self.existing(idempotency, batch.created_at)
                if existing is not None:
                    return existing
            self._tasks.accounts.post(batch.owner, post, batch.created_at)
            if idempotency is not None:
                self._tasks.claim(idempotency, batch.batch_id)
            self._batches[batch.batch_id] = batch
        return batch

    def existing(self, idempotency: IdempotencyKey, now: datetime) -> ExistingBatch | None:
        found = self._tasks.claimed(idempotency, now)
        if found is None:
            return None
        whole_id, same_request = found
        return ExistingBatch(whole_id if whole_id.startswith("batch_") else "", same_request)

    def get(self, owner: str, batch_id: str) -> Batch | None:
        found = self._batches.get(batch_id)
        return found if found is not None and found.owner == owner else None

    def move(self, batch: Batch, decide: DecideBatch, now: datetime) -> tuple[Batch, bool]:
        for _ in range(MAX_TRIES):
            move = decide(batch)
            if move is None:
                return batch, False
            with self._tasks.lock:
                found = self._batches[batch.batch_id]
                if _step(found) == _step(batch):
                    self._make(found, batch, move, now)
                    return move.batch, True
            batch = found
        raise BackendUnavailableError(f"the record of {batch.batch_id} changes too quickly")

    def list_batches(
        self, owner: str, *, limit: int, after: str | None
    ) -> tuple[list[Batch], str | None]:
        ids = sorted(self._batches, reverse=True)
        found = [self._batches[one] for one in ids if after is None or one < after]
        found = [batch for batch in found if batch.owner == owner]
        return found[:limit], found[limit - 1].batch_id if len(found) > limit else None

    def batches_to_sweep(self, now: datetime) -> Sequence[tuple[str, str]]:
        due = [(one.sweep_at, one) for one in self._batches.values() if one.sweep_at is not None]
        due.sort(key=lambda pair: pair[0])
        return [(one.owner, one.batch_id) for at, one in due if at <= now]

    def all(self) -> list[Batch]:
        """Give every batch."""
        return list(self._batches.values())

    def _make(self, found: Batch, before: Batch, move: BatchMove, now: datetime) -> None:
        after = move.batch
        planned = Planned(
            after.batch_id,
            after.funds,
            before.planned_credits,
            after.planned_credits,
            before.planned_tasks,
            after.planned_tasks,
            tuple(record.task for record in move.creates),
        )
        if planned.is_change:
            self._tasks.accounts.post(
                after.owner, lambda account: post_planned(account, planned, now), now
            )
        for record in move.creates:
            self._tasks.put(record)
        # What its tasks count in it meanwhile is left alone.
        more = {
            status: number - before.ended.get(status, 0) for status, number in after.ended.items()
        }
        ended = _added(found.ended, more)
        changed_at = after.changed_at if any(more.values()) else found.changed_at
        self._batches[after.batch_id] = replace(after, ended=ended, changed_at=changed_at)

    def _count(self, task: Task, before: Status, now: datetime) -> None:
        was, is_ = counted(before), counted(task.status)
        if task.batch_id is None or was == is_:
            return
        batch = self._batches[task.batch_id]
        more = {status: by for status, by in ((was, -1), (is_, 1)) if status is not None}
        self._batches[batch.batch_id] = replace(
            batch, ended=_added(batch.ended, more), changed_at=now
        )


def _step(batch: Batch) -> tuple[int, bool]:
    return batch.created, batch.canceled_at is not None


def _added(ended: Mapping[Status, int], more: Mapping[Status, int]) -> dict[Status, int]:
    added = {one: ended.get(one, 0) + more.get(one, 0) for one in {*ended, *more}}
    return {status: number for status, number in added.items() if number}
