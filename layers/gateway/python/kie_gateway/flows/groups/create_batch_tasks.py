"""Create the tasks of a batch that are not created yet, some at a time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from kie_gateway.core.credits.ledger import NOTHING
from kie_gateway.core.credits.reservation import Reservation
from kie_gateway.core.errors.caller_errors import InvalidRequestError
from kie_gateway.core.groups.batch import Batch, with_created
from kie_gateway.core.groups.batch_plan import BatchPlan
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.moves.move import NewRecord
from kie_gateway.core.ports.batches import Batches, BatchMove
from kie_gateway.core.ports.watching import Executions
from kie_gateway.core.submit_queue import Rate
from kie_gateway.core.sweep import START_GRACE
from kie_gateway.core.task import Task
from kie_gateway.flows.groups.plan_group import PlanGroup
from kie_gateway.flows.groups.plans import BatchPlans, Plans
from kie_gateway.flows.inputs.large_inputs import LargeInputs
from kie_gateway.flows.tasks.draft_task import INVALID_INPUT, Draft, failed_record, first_entries
from kie_gateway.flows.watching.start_watch import start_watch

# A transaction of DynamoDB takes a hundred items (API reference, TransactWriteItems): the batch,
# the account and two entries of its ledger, and what each task needs (`_writes`).
MOST_WRITES = 96
# Executions that are started at the same time.
_STARTS_AT_ONCE = 8


@dataclass(frozen=True)
class CreateBatchTasks:
    """
    Creates tasks of batches.

    Whoever records the batch calls it, and the sweep if that died: each lot of tasks is written
    together with what the batch says of it, so none is created twice.

    Attributes:
        rate: Of Kie.ai's creations; the tasks are spread by it.
    """

    batches: Batches
    executions: Executions
    inputs: LargeInputs
    plans: Plans
    batch_plans: BatchPlans
    plan_group: PlanGroup
    rate: Rate
    now: Callable[[], datetime]

    def __call__(self, batch: Batch, has_time: Callable[[], bool]) -> Batch:
        """
        Create what is left of a batch.

        Args:
            has_time: Whether there is time for some more; the sweep creates the others.

        Returns:
            The batch afterwards.

        Raises:
            BackendUnavailableError, StorageError: Some are not created; calling again is right.
        """
        if batch.is_whole:
            return batch
        plan, first = self.batch_plans.read(batch), batch.created
        while not batch.is_whole and has_time():
            before, lot = batch, list(self._next_lot(batch, plan, first))
            records = [record for records in lot for record in records]
            create = partial(self._create, decided_on=before, lot=lot)
            batch, is_moved = self.batches.move(batch, create, self.now())
            if is_moved:
                self._watch([record.task for record in records])
        if batch.is_whole:
            # What it says of the tasks is theirs from now on, and goes with them.
            self.batch_plans.drop(batch.owner, batch.batch_id)
        return batch

    def _create(
        self, current: Batch, decided_on: Batch, lot: list[list[NewRecord]]
    ) -> BatchMove | None:
        if current.is_whole or current.created != decided_on.created:
            return None
        records = tuple(record for records in lot for record in records)
        tasks = [record.task for record in records]
        own = [records[0].task for records in lot]
        after = with_created(
            current,
            len(lot),
            [task.status for task in own if task.status.is_settled],
            sum(1 + task.planned_tasks for task in tasks),
            sum((_held(task) + task.planned_credits for task in tasks), NOTHING),
            self.now(),
        )
        return BatchMove(after, records)

    def _next_lot(self, batch: Batch, plan: BatchPlan, first: int) -> Iterator[list[NewRecord]]:
        """
        Make the records of the next tasks, as many as one write takes.

        Args:
            first: Place of the task that is sent to Kie.ai at once; the others follow by its rate.
        """
        number = 0
        for place in range(batch.created, batch.total):
            records = self._records(batch, plan, place, self.rate.interval * (place - first))
            number += _writes(records)
            if number > MOST_WRITES and number > _writes(records):
                return
            yield records

    def _records(
        self, batch: Batch, plan: BatchPlan, place: int, pause: timedelta
    ) -> list[NewRecord]:
        """Make the record of a task, and those of its children that begin with it."""
        task_id, now = derived_task_id(batch.batch_id, place), self.now()
        spec = plan.spec(place)
        try:
            group = self.plan_group(spec, task_id, batch.owner, batch.callback_base_url)
        except InvalidRequestError as error:
            # It was fine when the batch was asked for; an upload of it may be gone by now.
            draft = self.plan_group.draft.unchecked(spec, batch.owner, batch.callback_base_url)
            return [failed_record(_paid(draft, batch), task_id, INVALID_INPUT, str(error), now)]
        own = _paid(group.draft, batch)
        drafts = [(task_id, own), *((id_, _paid(one, batch)) for id_, one in group.beside.items())]
        return [self._record(draft, id_, now, now + pause) for id_, draft in drafts]

    def _record(self, draft: Draft, task_id: str, now: datetime, begins_at: datetime) -> NewRecord:
        task = draft.child(task_id, now)
        task = replace(task, next_at=begins_at, sweep_at=begins_at + START_GRACE)
        self.plans.keep(task, draft.specs)
        return NewRecord(self.inputs.keep(task), first_entries(task))

    def _watch(self, tasks: list[Task]) -> None:
        with ThreadPoolExecutor(_STARTS_AT_ONCE) as pool:
            for task in tasks:
                begins_at = task.next_at or task.created_at
                pool.submit(copy_context().run, start_watch, self.executions, task, begins_at)


def _paid(draft: Draft, batch: Batch) -> Draft:
    """Let a task of a batch be paid from what is set aside for the batch."""
    if draft.reservation is None:
        reservation = Reservation(NOTHING, batch.release_after_seconds, batch.funds)
    else:
        reservation = replace(draft.reservation, funds=batch.funds)
    batch_id = batch.batch_id if draft.parent_id is None else None
    return replace(draft, reservation=reservation, batch_id=batch_id)


def _writes(records: list[NewRecord]) -> int:
    """Count the items of some tasks: each its record and its timeline."""
    return sum(1 + len(record.entries) for record in records)


def _held(task: Task) -> Decimal:
    return task.reservation.held if task.reservation is not None else NOTHING
