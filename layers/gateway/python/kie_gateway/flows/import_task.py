"""Adopt work that was created at Kie.ai by somebody else, or a bare link to a result."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from kie_gateway.core import moves
from kie_gateway.core.errors import GatewayError, TaskNotFoundError
from kie_gateway.core.idempotency import IdempotencyKey
from kie_gateway.core.poll_policy import PollPolicy
from kie_gateway.core.ports import Executions, Existing, Provider, StoreQueue, TaskStore
from kie_gateway.core.report import Failed, Finished, NotVisible, Report
from kie_gateway.core.sweep import START_GRACE
from kie_gateway.core.task import CompletedBy, Source, Status, Submission, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.check_references import NO_SUCH_TASK
from kie_gateway.flows.watch_again import start_watch

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
        """Tell it from others; callers' keys are visible characters only, so none is the same."""
        return f"\timport {self.family} {self.upstream_task_id or self.url}"


@dataclass(frozen=True)
class Imported:
    """The task, and whether it was known before."""

    task: Task
    is_new: bool


def import_task(
    adoption: Adoption,
    *,
    task_id: str,
    tasks: TaskStore,
    executions: Executions,
    queue: StoreQueue,
    kie: Provider,
    policy: PollPolicy,
    now: datetime,
    check_time: Callable[[], None] = lambda: None,
) -> Imported:
    """
    Adopt one piece of work; nothing stays behind when it raises.

    Once it is recorded it is followed: by the execution that is started here, or by one that the
    sweep or a second import starts if this one ends before.

    Args:
        check_time: Raises OutOfTimeError if too little is left to record the task and have it
            watched.

    Raises:
        OutOfTimeError: It was not reached in time.
        TaskNotFoundError: Kie.ai knows no such task, or it is another owner's.
        ProviderError: Kie.ai did not say how the task stands.
        BackendUnavailableError: The task could not be recorded.
    """
    check_time()
    known = _known(adoption, tasks)
    if known is not None:
        return _same(known, executions, queue, now)
    task = _new_task(adoption, task_id, now)
    move = _as_it_stands(task, _report(adoption, task, kie), policy=policy, now=now)
    key = IdempotencyKey(adoption.owner, adoption.name, "", now + _MEMORY)
    check_time()
    existing = tasks.create(move.task, move.entries, key)
    if isinstance(existing, Existing):
        same = tasks.get(existing.task_id)
        if same is None or same.deleted_at is not None:
            raise TaskNotFoundError("the imported task has been deleted")
        return _same(same, executions, queue, now)
    _have_it_followed(move.task, executions, queue, now)
    return Imported(move.task, is_new=True)


def _same(task: Task, executions: Executions, queue: StoreQueue, now: datetime) -> Imported:
    """Answer with what was imported before; whoever did so may have ended at once."""
    if task.is_swept:
        _have_it_followed(task, executions, queue, now)
    return Imported(task, is_new=False)


def _have_it_followed(task: Task, executions: Executions, queue: StoreQueue, now: datetime) -> None:
    """Start the watch, and have results copied at once; in trouble the sweep does it later."""
    attempts: list[Callable[[], None]] = [
        lambda: start_watch(task, executions=executions, now=now, wait_until=task.next_at)
    ]
    if task.status is Status.STORING:
        attempts.append(lambda: queue.request_storing(task.task_id))
    for attempt in attempts:
        try:
            attempt()
        except GatewayError as error:
            _log.warning("the sweep goes on with %s: %s", task.task_id, error)


def _known(adoption: Adoption, tasks: TaskStore) -> Task | None:
    """Find a task of this gateway that is the same work."""
    if adoption.upstream_task_id is None:
        return None
    found = tasks.find_by_upstream(adoption.upstream_task_id)
    same = [task for task in found if task.family == adoption.family]
    # A deleted task is still nobody else's.
    own = [task for task in same if task.paying_owner == adoption.owner]
    if same and not own:
        raise TaskNotFoundError(NO_SUCH_TASK)
    return next((task for task in own if task.deleted_at is None), None)


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


def _report(adoption: Adoption, task: Task, kie: Provider) -> Report:
    if adoption.url is not None:
        return Finished(state="imported", sources=(Source(adoption.url),))
    report = kie.ask(task).report
    if isinstance(report, NotVisible):
        raise TaskNotFoundError(NO_SUCH_TASK)
    return report


def _as_it_stands(task: Task, report: Report, *, policy: PollPolicy, now: datetime) -> moves.Move:
    what = "a link" if task.upstream_task_id is None else "a task of Kie.ai"
    first = Entry(
        Happened.IMPORTED,
        now,
        f"Adopted {what}.",
        {"model": task.model, "upstream_task_id": task.upstream_task_id},
    )
    move: moves.Move | None = None
    if isinstance(report, Finished):
        move = moves.report_finished(
            task,
            report,
            upstream_task_id=task.upstream_task_id,
            by=CompletedBy.IMPORT,
            happened=Happened.RESULT_REPORTED,
            now=now,
        )
    elif isinstance(report, Failed):
        move = moves.fail(task, report, by=CompletedBy.IMPORT, now=now)
    move = move or moves.Move(replace(task, next_at=policy.next_ask_at(task, now)))
    return moves.Move(move.task, (first, *move.entries))
