"""Adopt work that was created at Kie.ai by somebody else, or a bare link to a result."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.caller_errors import TaskNotFoundError
from kie_gateway.core.moves import verdict_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.report import Failed, Finished, NotVisible, Report
from kie_gateway.core.ports.kie import Provider
from kie_gateway.core.ports.tasks import Existing, TaskStore
from kie_gateway.core.ports.watching import StoreQueue
from kie_gateway.core.results import Source
from kie_gateway.core.sweep import START_GRACE
from kie_gateway.core.task import CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.inputs.check_references import NO_SUCH_TASK
from kie_gateway.flows.watching.watches import Watches

_log = logging.getLogger(__name__)

# Importing twice gives the same task for as long as anybody may think of doing so.
_MEMORY = timedelta(days=3650)


@dataclass(frozen=True)
class Adoption:
    """
    What to adopt, checked: exactly one of `upstream_task_id` and `url`.

    Attributes:
        url: Leads to a host that results may be fetched from.
    """

    owner: str
    model: str
    family: str
    kind: str
    deadline_seconds: int
    upstream_task_id: str | None = None
    url: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return its idempotency key, which no caller can send: theirs are visible characters."""
        return f"\timport {self.family} {self.upstream_task_id or self.url}"


@dataclass(frozen=True)
class Imported:
    """The task, and whether it was known before."""

    task: Task
    is_new: bool


@dataclass(frozen=True)
class ImportTask:
    """
    Adopts work.

    Once it is recorded it is followed: by the execution that is started here, or by one that the
    sweep or a second import starts if this one ends before.

    Attributes:
        check_time: Raises OutOfTimeError if too little is left to record a task and have it
            watched.
    """

    tasks: TaskStore
    watches: Watches
    store_queue: StoreQueue
    kie: Provider
    policy: PollPolicy
    new_task_id: Callable[[], str]
    now: Callable[[], datetime]
    check_time: Callable[[], None] = lambda: None

    def __call__(self, adoption: Adoption) -> Imported:
        """
        Adopt one piece of work; nothing stays behind when it raises.

        Raises:
            OutOfTimeError: It was not reached in time.
            TaskNotFoundError: Kie.ai knows no such task, or it is another owner's.
            ProviderError: Kie.ai did not say how the task stands.
            BackendUnavailableError: The task could not be recorded.
        """
        self.check_time()
        known = self._known(adoption)
        if known is not None:
            return self._same(known)
        now = self.now()
        task = _new_task(adoption, self.new_task_id(), now)
        move = self._as_it_stands(task, self._report(adoption, task), now)
        key = IdempotencyKey(adoption.owner, adoption.name, "", now + _MEMORY)
        self.check_time()
        existing = self.tasks.create(move.task, move.entries, key)
        if isinstance(existing, Existing):
            same = self.tasks.get(existing.task_id)
            if same is None or same.deleted_at is not None:
                raise TaskNotFoundError("the imported task has been deleted")
            return self._same(same)
        self._have_it_followed(move.task)
        return Imported(move.task, is_new=True)

    def _same(self, task: Task) -> Imported:
        """Answer with what was imported before; whoever did so may have ended at once."""
        if task.is_swept:
            self._have_it_followed(task)
        return Imported(task, is_new=False)

    def _have_it_followed(self, task: Task) -> None:
        """Start the watch, and have results copied at once; in trouble the sweep does it later."""
        attempts: list[Callable[[], None]] = [
            lambda: self.watches.start(task, wait_until=task.next_at)
        ]
        if task.status is Status.STORING:
            attempts.append(lambda: self.store_queue.request_storing(task.task_id))
        for attempt in attempts:
            try:
                attempt()
            except GatewayError as error:
                _log.warning("the sweep continues with %s: %s", task.task_id, error)

    def _known(self, adoption: Adoption) -> Task | None:
        """Find a task of this gateway that is the same work."""
        if adoption.upstream_task_id is None:
            return None
        found = self.tasks.find_by_upstream(adoption.upstream_task_id)
        # The id of an attempt that is over may be of another family than the one at work.
        same = [
            task for task in found if task.family == adoption.family or _is_over(adoption, task)
        ]
        # A deleted task is still nobody else's.
        own = [task for task in same if task.paying_owner == adoption.owner]
        if same and not own:
            raise TaskNotFoundError(NO_SUCH_TASK)
        return next(
            (task for task in own if task.deleted_at is None and not _is_over(adoption, task)), None
        )

    def _report(self, adoption: Adoption, task: Task) -> Report:
        if adoption.url is not None:
            return Finished(state="imported", sources=(Source(adoption.url),))
        report = self.kie.ask(task).report
        if isinstance(report, NotVisible):
            raise TaskNotFoundError(NO_SUCH_TASK)
        return report

    def _as_it_stands(self, task: Task, report: Report, now: datetime) -> Move:
        what = "a link" if task.upstream_task_id is None else "a task of Kie.ai"
        first = Entry(
            Happened.IMPORTED,
            now,
            f"Adopted {what}.",
            {"model": task.model, "upstream_task_id": task.upstream_task_id},
        )
        move: Move | None = None
        if isinstance(report, Finished):
            move = verdict_moves.answer_finished(task, report, by=CompletedBy.IMPORT, now=now)
        elif isinstance(report, Failed):
            move = verdict_moves.fail(task, report, by=CompletedBy.IMPORT, now=now)
        if move is None:
            # When it began is not known, so the whole time is expected from now on.
            expected = self.policy.expected_seconds(task.model)
            next_at = self.policy.next_ask_at(task, now)
            move = Move(replace(task, expected_seconds=expected, next_at=next_at))
        return Move(move.task, (first, *move.entries))


def _new_task(adoption: Adoption, task_id: str, now: datetime) -> Task:
    return Task(
        task_id=task_id,
        owner=adoption.owner,
        status=Status.RUNNING,
        model=adoption.model,
        family=adoption.family,
        kind=adoption.kind,
        input={},
        metadata=adoption.metadata,
        callback_base_url="",
        created_at=now,
        deadline_at=now + timedelta(seconds=adoption.deadline_seconds),
        # Nothing is reserved for it, so no other clock looks after it.
        sweep_at=now + START_GRACE,
        submission=Submission.IMPORTED,
        upstream_task_id=adoption.upstream_task_id,
        submitted_at=now,
    )


def _is_over(adoption: Adoption, task: Task) -> bool:
    """Whether the work is an attempt of a task's that is over, and not what the task is now."""
    return task.earlier_attempt(adoption.upstream_task_id) is not None
