"""Ask Kie.ai how a task stands, and record the answer."""

from collections.abc import Callable
from datetime import datetime

from kie_gateway.core import moves
from kie_gateway.core.callback_token import callback_token
from kie_gateway.core.errors import ProviderError
from kie_gateway.core.poll_policy import PollPolicy
from kie_gateway.core.ports import Answer, Archive, Provider, TaskStore
from kie_gateway.core.report import Failed, Finished, NotUnderstood, NotVisible, Report, Running
from kie_gateway.core.schedule import NOT_VISIBLE_GRACE
from kie_gateway.core.task import CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.submit_task import lose_submission


def ask_kie(
    task: Task,
    *,
    by: CompletedBy,
    tasks: TaskStore,
    kie: Provider,
    archive: Archive,
    policy: PollPolicy,
    callback_secret: str,
    now: Callable[[], datetime],
) -> Task:
    """
    Ask about a task that has no verdict yet.

    Args:
        by: Who is asking; becomes the task's `completed_by` if the answer is a verdict.
        callback_secret: To keep the callback token, which Kie.ai echoes, out of the archive.

    Returns:
        The record afterwards. It is not expired here, whatever the time.
    """
    if task.upstream_task_id is None:
        return _without_id(task, tasks=tasks, policy=policy, now=now())
    try:
        answer = kie.ask(task.family, task.upstream_task_id)
    except ProviderError as error:
        return _no_answer(task, error, tasks=tasks, policy=policy, now=now())
    if isinstance(answer.report, Finished | Failed | NotUnderstood):
        _keep(task, answer, archive=archive, callback_secret=callback_secret, now=now())
    return record_answer(task, answer.report, by=by, tasks=tasks, policy=policy, now=now())


def record_answer(
    task: Task,
    report: Report,
    *,
    by: CompletedBy,
    tasks: TaskStore,
    policy: PollPolicy,
    now: datetime,
) -> Task:
    """Record what Kie.ai answered; somebody else's earlier verdict stays."""

    def decide(current: Task) -> moves.Move | None:
        match report:
            case Finished():
                return moves.report_finished(
                    current,
                    report,
                    upstream_task_id=current.upstream_task_id,
                    by=by,
                    happened=Happened.RESULT_REPORTED,
                    now=now,
                )
            case Failed():
                return moves.fail(current, report, by=by, now=now)
            case _:
                return _no_verdict(current, report, policy=policy, now=now)

    return tasks.move(task, decide).task


def _no_verdict(
    task: Task, report: Report, *, policy: PollPolicy, now: datetime
) -> moves.Move | None:
    next_at = policy.next_ask_at(task, now)
    match report:
        case Running(state):
            entry = Entry(Happened.KIE_ASKED, now, f"Kie.ai says: {state}.", {"state": state})
            return moves.asked(task, state, entry, next_at=next_at)
        case NotVisible(message):
            if now - (task.submitted_at or task.created_at) < NOT_VISIBLE_GRACE:
                next_at = policy.while_not_visible_at(task, now)
            words = f"Kie.ai does not know the task yet: {message}"
        case _:
            reason = report.reason if isinstance(report, NotUnderstood) else ""
            words = f"Kie.ai's answer was not understood and is kept in the archive: {reason}"
    return moves.asked(task, None, Entry(Happened.KIE_ASKED, now, words), next_at=next_at)


def _without_id(task: Task, *, tasks: TaskStore, policy: PollPolicy, now: datetime) -> Task:
    """Nothing can be asked about a creation whose answer never came; its webhook can still come."""
    if task.submission is Submission.SENDING:
        words = "The sender ended before an answer came."
        return lose_submission(task, words, tasks=tasks, policy=policy, now=now)

    def decide(current: Task) -> moves.Move | None:
        if current.upstream_task_id is not None or current.status is not Status.QUEUED:
            return None
        entry = Entry(
            Happened.KIE_ASKED, now, "Kie.ai cannot be asked: it never named an id for the task."
        )
        return moves.asked(current, None, entry, next_at=policy.next_ask_at(current, now))

    return tasks.move(task, decide).task


def _no_answer(
    task: Task, error: ProviderError, *, tasks: TaskStore, policy: PollPolicy, now: datetime
) -> Task:
    entry = Entry(
        Happened.KIE_ASKED,
        now,
        f"No answer about the task: {error.message}",
        {"code": error.provider_code},
    )

    def decide(current: Task) -> moves.Move | None:
        return moves.asked(current, None, entry, next_at=policy.next_ask_at(current, now))

    return tasks.move(task, decide).task


def _keep(
    task: Task, answer: Answer, *, archive: Archive, callback_secret: str, now: datetime
) -> None:
    key = f"answers/{task.task_id}/{now:%Y%m%dT%H%M%S%fZ}.json"
    archive.put_raw(key, without_token(answer.raw, task, callback_secret), "application/json")


def without_token(raw: bytes, task: Task, callback_secret: str) -> bytes:
    """Take the callback token out of a body: Kie.ai echoes the URL it was given."""
    return raw.replace(callback_token(task.task_id, callback_secret).encode(), b"[token]")
