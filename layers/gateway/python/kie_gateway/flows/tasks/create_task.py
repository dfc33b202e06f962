"""Take in a task: record it, start its watch, and only then ask Kie.ai to create it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kie_gateway.core.callers.idempotency import MEMORY, IdempotencyKey
from kie_gateway.core.credits.reservation import Reservation
from kie_gateway.core.errors.backend_errors import BackendUnavailableError, RecordGoneError
from kie_gateway.core.errors.caller_errors import (
    CallerError,
    CreationsStoppedError,
    IdempotencyMismatchError,
    TaskNotFoundError,
)
from kie_gateway.core.model_kind import kind_of
from kie_gateway.core.moves import sweep_moves
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.ports.submit_queue import SubmitQueue
from kie_gateway.core.ports.tasks import Existing, TaskStore
from kie_gateway.core.ports.watching import Executions
from kie_gateway.core.submit_queue import Ticket, wake_at
from kie_gateway.core.sweep import AFTER_DEADLINE
from kie_gateway.core.task import Status, Submission, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.inputs.large_inputs import LargeInputs
from kie_gateway.flows.submitting.submit_from_queue import report_outcome
from kie_gateway.flows.submitting.submit_watched import SubmitWatched

# As often as this, one after the other, nobody fails to start a watch.
_MOST_TRIES = 3


@dataclass(frozen=True)
class NewTask:
    """
    What the caller asks for, checked.

    Attributes:
        family: Which of Kie's APIs the model speaks.
        kind: What the model makes; None judges it by its id.
        credits_estimated: What it will cost, None if nobody knows.
        reservation: What is set aside of the owner's credits.
        tasks_at_once: How many the owner may have open; 0 for any number.
        idempotency_key: As sent, None without one.
        fingerprint: Of the request, to tell repeated requests from others under the same key.
    """

    owner: str
    model: str
    family: str
    input: Mapping[str, Any]
    metadata: Mapping[str, Any]
    deadline_seconds: int
    callback_base_url: str
    idempotency_key: str | None = None
    fingerprint: str = ""
    retry_of: str | None = None
    retention_days: int | None = None
    kind: str | None = None
    credits_estimated: Decimal | None = None
    reservation: Reservation | None = None
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
        stopped: Returns why no new tasks are created for now; None while they are.
    """

    tasks: TaskStore
    executions: Executions
    submit: SubmitWatched
    policy: PollPolicy
    submit_queue: SubmitQueue
    inputs: LargeInputs
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
        task = _queued(new, self.new_task_id(), now, ticket)
        recorded = self._record(task, ticket, idempotency, new.tasks_at_once)
        if isinstance(recorded, Created):
            return recorded
        self._watch(recorded, idempotency)
        if ticket is not None:
            return Created(recorded, replayed=False)
        after = self.submit(
            recorded,
            sleeps_until=self._first_look_at(recorded),
            done=lambda sent: report_outcome(state, sent, self.submit_queue),
        )
        return Created(after, replayed=False)

    def _find_replayed(self, idempotency: IdempotencyKey | None, now: datetime) -> Created | None:
        if idempotency is None:
            return None
        existing = self.tasks.existing(idempotency, now)
        return self._replay(existing) if existing is not None else None

    def _watch(self, task: Task, idempotency: IdempotencyKey | None) -> None:
        """Start the watch of a new task; a task that cannot be watched is withdrawn."""
        try:
            self.executions.start(task.task_id, task.watches, self._first_look_at(task))
        except BackendUnavailableError:
            self.tasks.forget(task, idempotency)
            if self.tasks.get(task.task_id) is None:
                self.inputs.drop(task)
            raise

    def _record(
        self,
        new: Task,
        ticket: Ticket | None,
        idempotency: IdempotencyKey | None,
        tasks_at_once: int,
    ) -> Task | Created:
        """
        Record a new task, or find the one of its key; one that is withdrawn meanwhile is none.

        Nothing of its input stays behind unless it is recorded, or may be.
        """
        task = self.inputs.keep(new)
        entries = _first_entries(task, ticket)
        try:
            for _ in range(_MOST_TRIES):
                recorded = self.tasks.create(
                    task, entries, idempotency, tasks_at_once=tasks_at_once
                )
                if isinstance(recorded, Task):
                    return recorded
                replayed = self._replay(recorded)
                if replayed is not None:
                    self.inputs.drop(task)
                    return replayed
        except CallerError:
            self.inputs.drop(task)
            raise
        raise BackendUnavailableError("the task of this Idempotency-Key cannot be watched for now")

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
        ticket = self.submit_queue.enqueue(new.owner)
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
    return new.reservation.credits if new.reservation is not None else None


def _queued(new: NewTask, task_id: str, now: datetime, ticket: Ticket | None) -> Task:
    # When the sweep looks after it even if we die now, before anybody follows the task.
    nobody_looks_at = now + timedelta(seconds=new.deadline_seconds) + AFTER_DEADLINE
    task = Task(
        task_id=task_id,
        owner=new.owner,
        status=Status.QUEUED,
        model=new.model,
        family=new.family,
        kind=new.kind or kind_of(new.model),
        credits_estimated=new.credits_estimated,
        reservation=new.reservation,
        release_at=nobody_looks_at if new.reservation is not None else None,
        sweep_at=nobody_looks_at if new.reservation is None else None,
        input=new.input,
        metadata=new.metadata,
        callback_base_url=new.callback_base_url,
        created_at=now,
        deadline_at=now + timedelta(seconds=new.deadline_seconds),
        retry_of=new.retry_of,
        retention_days=new.retention_days,
    )
    if ticket is not None:
        return replace(task, next_at=min(ticket.at, task.deadline_at), submit_turn=ticket.turn)
    # Written with the task, so that the right to send needs no write of its own.
    return replace(task, submission=Submission.SENDING, submission_attempts=1, sending_at=now)


def _first_entries(task: Task, ticket: Ticket | None) -> tuple[Entry, ...]:
    now, facts = task.created_at, {"model": task.model, "retry_of": task.retry_of}
    created = Entry(Happened.CREATED, now, f"Created for {task.model}.", facts)
    if ticket is None:
        words = "Asking Kie.ai to create the task."
        return created, Entry(Happened.SUBMISSION_STARTED, now, words, {"attempt": 1})
    expected = {"expected_at": ticket.at.isoformat()}
    words = "Kie.ai accepts no more creations for now; the task is in the submit queue."
    if ticket.for_credits:
        words = "The account at Kie.ai is out of credits; the task is in the submit queue."
    return created, Entry(Happened.SUBMISSION_WAITING, now, words, expected)


def _idempotency(new: NewTask, now: datetime) -> IdempotencyKey | None:
    if new.idempotency_key is None:
        return None
    forget_at = now + timedelta(seconds=new.deadline_seconds) + MEMORY
    return IdempotencyKey(new.owner, new.idempotency_key, new.fingerprint, forget_at)
