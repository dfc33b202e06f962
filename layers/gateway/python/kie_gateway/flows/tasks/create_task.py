"""Take in a task: record it, start its watch, and only then ask Kie.ai to create it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from kie_gateway.core.callers.idempotency import MEMORY, IdempotencyKey
from kie_gateway.core.credits.posting import funded_like
from kie_gateway.core.errors.backend_errors import BackendUnavailableError, RecordGoneError
from kie_gateway.core.errors.caller_errors import (
    CallerError,
    CreationsStoppedError,
    IdempotencyMismatchError,
    TaskNotFoundError,
)
from kie_gateway.core.moves import sweep_moves
from kie_gateway.core.moves.move import NewRecord
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.ports.submit_queue import SubmitQueue
from kie_gateway.core.ports.tasks import Existing, TaskStore
from kie_gateway.core.ports.watching import Executions
from kie_gateway.core.submit_queue import Ticket, wake_at
from kie_gateway.core.task import Submission, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.groups.plans import Plans
from kie_gateway.flows.inputs.large_inputs import LargeInputs
from kie_gateway.flows.submitting.submit_from_queue import report_outcome
from kie_gateway.flows.submitting.submit_watched import SubmitWatched
from kie_gateway.flows.tasks.draft_task import Draft, first_entries
from kie_gateway.flows.watching.start_watch import start_watch

# As often as this, one after the other, nobody fails to start a watch.
_MOST_TRIES = 3


@dataclass(frozen=True)
class NewTask:
    """
    What the caller asks for, checked.

    Attributes:
        task_id: If others are called after it, None for a new one.
        beside: Its children that are created together with it, by id.
        tasks_at_once: How many the owner may have open; 0 for any number.
        idempotency_key: As sent, None without one.
        fingerprint: Of the request, to tell repeated requests from others under the same key.
    """

    draft: Draft
    task_id: str | None = None
    beside: Mapping[str, Draft] = field(default_factory=dict)
    idempotency_key: str | None = None
    fingerprint: str = ""
    tasks_at_once: int = 0


@dataclass(frozen=True)
class Created:
    """The task, and whether an earlier request had created it."""

    task: Task
    replayed: bool


@dataclass(frozen=True)
class CreateTask:
    """
    Creates tasks.

    Attributes:
        submit: Submits a recorded and watched task (`flows/submitting/submit_watched.py`).
        submit_queue: Where a task waits while Kie.ai takes no more.
        inputs: Keeps what is too large for the record.
        plans: Keeps what is to follow a task.
        stopped: Returns why no new tasks are created for now; None while they are.
    """

    tasks: TaskStore
    executions: Executions
    submit: SubmitWatched
    policy: PollPolicy
    submit_queue: SubmitQueue
    inputs: LargeInputs
    plans: Plans
    new_task_id: Callable[[], str]
    now: Callable[[], datetime]
    stopped: Callable[[], str | None] = lambda: None

    def __call__(self, new: NewTask, check: Callable[[], None] | None = None) -> Created:
        """
        Create a task.

        Args:
            check: Looks at a new task once more, which may take a while, and raises CallerError if
                it should not be created; one that is only asked for again is not looked at.

        Raises:
            CreationsStoppedError: As `stopped` says.
            IdempotencyMismatchError: The key stands for another request.
            TooManyTasksError, InsufficientCreditsError, BudgetExceededError: The owner may not
                create the task; nothing was sent and nothing stays behind.
            BackendUnavailableError, StorageError: The same, as the task could not be recorded or
                watched.
        """
        stopped, now = self.stopped(), self.now()
        idempotency, state = _idempotency(new, now), self.submit_queue.state()
        if stopped is not None or state is not None or check is not None:
            # What is only asked for again needs no ticket, and can be had in any case.
            replayed = self._find_replayed(idempotency, now)
            if replayed is not None:
                return replayed
        if stopped is not None:
            raise CreationsStoppedError(f"new tasks are stopped: {stopped}")
        if check is not None:
            check()
            # The right to send begins with the record, and Kie.ai may refuse by now.
            now, state = self.now(), self.submit_queue.state()
        is_open = state is None or state.covers(_price(new))
        ticket = None if is_open else self._ticket(new, now)
        task = _queued(new.draft.task(new.task_id or self.new_task_id(), now), ticket)
        beside = [_record_beside(draft.child(id_, now)) for id_, draft in new.beside.items()]
        recorded = self._record(
            new, NewRecord(task, _first_entries(task, ticket)), beside, idempotency
        )
        if isinstance(recorded, Created):
            return recorded
        task, *others = recorded
        self._watch(task, others, idempotency)
        if ticket is not None:
            return Created(task, replayed=False)
        after = self.submit(
            task,
            sleeps_until=self._first_look_at(task),
            done=lambda sent: report_outcome(state, sent, self.submit_queue),
        )
        return Created(after, replayed=False)

    def _find_replayed(self, idempotency: IdempotencyKey | None, now: datetime) -> Created | None:
        if idempotency is None:
            return None
        existing = self.tasks.existing(idempotency, now)
        return self._replay(existing) if existing is not None else None

    def _watch(
        self, task: Task, beside: Sequence[Task], idempotency: IdempotencyKey | None
    ) -> None:
        """Start the watch of a new task; a task that cannot be watched is withdrawn."""
        try:
            self.executions.start(task.task_id, task.watches, self._first_look_at(task))
        except BackendUnavailableError:
            self.tasks.forget(task, idempotency, beside)
            if self.tasks.get(task.task_id) is None:
                self._drop([task, *beside])
            raise
        for one in beside:
            start_watch(self.executions, one, one.created_at)

    def _record(
        self,
        new: NewTask,
        record: NewRecord,
        beside: Sequence[NewRecord],
        idempotency: IdempotencyKey | None,
    ) -> list[Task] | Created:
        """
        Record a new task, or find the one of its key; one that is withdrawn meanwhile is none.

        Returns:
            What is recorded: the task first, then those beside it.

        Nothing of its input stays behind unless it is recorded, or may be.
        """
        kept = [self._keep(new.draft, record)]
        drafts = new.beside.values()
        kept += [self._keep(draft, one) for draft, one in zip(drafts, beside, strict=True)]
        tasks = [one.task for one in kept]
        try:
            for _ in range(_MOST_TRIES):
                recorded = self.tasks.create(
                    kept[0].task,
                    kept[0].entries,
                    idempotency,
                    tasks_at_once=new.tasks_at_once,
                    beside=kept[1:],
                )
                if isinstance(recorded, Task):
                    return [recorded, *(funded_like(recorded, one) for one in tasks[1:])]
                replayed = self._replay(recorded)
                if replayed is not None:
                    self._drop(tasks)
                    return replayed
        except CallerError:
            self._drop(tasks)
            raise
        raise BackendUnavailableError("the task of this Idempotency-Key cannot be watched for now")

    def _keep(self, draft: Draft, record: NewRecord) -> NewRecord:
        """Keep beside the record what does not belong into it. Raises StorageError."""
        self.plans.keep(record.task, draft.specs)
        return replace(record, task=self.inputs.keep(record.task))

    def _drop(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self.inputs.drop(task)
            self.plans.drop(task)

    def _replay(self, existing: Existing) -> Created | None:
        """
        Answer with the task of a key; None if whoever created it could not have it watched.

        Before anybody is told of the task it is made sure that it stays: its creator withdraws it
        only as long as nobody has moved it.
        """
        if not existing.same_request:
            raise IdempotencyMismatchError(
                "this Idempotency-Key was used for another request; use a new key for a new task"
            )
        task = self.tasks.get(existing.task_id)
        if task is None:
            return None
        if task.deleted_at is not None:
            raise TaskNotFoundError("the task of this Idempotency-Key has been deleted")
        try:
            task = self.tasks.move(task, sweep_moves.vouch).task
        except RecordGoneError:
            return None
        if not task.status.is_settled:
            # The first request may have been cut off before it started the watch.
            self.executions.start(task.task_id, 1, self._first_look_at(task))
        return Created(task, replayed=True)

    def _ticket(self, new: NewTask, now: datetime) -> Ticket | None:
        """Get a ticket; None if it is due now, and the creation may be sent at once."""
        ticket = self.submit_queue.enqueue(new.draft.owner)
        if ticket.at > now:
            return ticket
        permit = self.submit_queue.acquire_permit(timedelta(0))
        return None if permit.is_granted else replace(ticket, at=permit.at)

    def _first_look_at(self, task: Task) -> datetime:
        """Return when the watch looks first: when its ticket is due, or a result is late."""
        if task.is_in_submit_queue and task.next_at is not None:
            return wake_at(task.next_at)
        return self.policy.first_watch_at(task)


def _price(new: NewTask) -> Decimal | None:
    reservation = new.draft.reservation
    return reservation.price if reservation is not None else None


def _queued(task: Task, ticket: Ticket | None) -> Task:
    if ticket is not None:
        return replace(task, next_at=min(ticket.at, task.deadline_at), submit_turn=ticket.turn)
    # Written with the task, so that the right to send needs no write of its own.
    now = task.created_at
    return replace(task, submission=Submission.SENDING, submission_attempts=1, sending_at=now)


def _record_beside(task: Task) -> NewRecord:
    return NewRecord(task, first_entries(task))


def _first_entries(task: Task, ticket: Ticket | None) -> tuple[Entry, ...]:
    now, created = task.created_at, first_entries(task)
    if ticket is None:
        words = "Asking Kie.ai to create the task."
        return (*created, Entry(Happened.SUBMISSION_STARTED, now, words, {"attempt": 1}))
    expected = {"expected_at": ticket.at.isoformat()}
    words = "Kie.ai accepts no more creations for now; the task is in the submit queue."
    if ticket.for_credits:
        words = "The account at Kie.ai is out of credits; the task is in the submit queue."
    return (*created, Entry(Happened.SUBMISSION_WAITING, now, words, expected))


def _idempotency(new: NewTask, now: datetime) -> IdempotencyKey | None:
    if new.idempotency_key is None:
        return None
    forget_at = now + timedelta(seconds=new.draft.deadline_seconds) + MEMORY
    return IdempotencyKey(new.draft.owner, new.idempotency_key, new.fingerprint, forget_at)
