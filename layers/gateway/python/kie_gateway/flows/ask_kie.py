"""
Ask Kie.ai how a task stands, and record the answer.

The status call is the first rung of a ladder; what else may know the truth (`flows/rungs.py`) is
asked when the status call is not understood or lags, and each rung shows on the timeline. An answer
that lacks some of the results is no verdict until the deadline; then what there is has to do.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from kie_gateway.core import moves
from kie_gateway.core.errors import ProviderBusyError, ProviderError
from kie_gateway.core.poll_policy import PollPolicy
from kie_gateway.core.ports import Archive, Provider, TaskStore
from kie_gateway.core.report import (
    Failed,
    Finished,
    NotUnderstood,
    NotVisible,
    Partial,
    Report,
    Running,
)
from kie_gateway.core.schedule import NOT_VISIBLE_GRACE
from kie_gateway.core.task import CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.hide_token import hide_token, hide_token_in_report
from kie_gateway.flows.keep_answer import keep_answer
from kie_gateway.flows.rungs import Rung
from kie_gateway.flows.submit_task import lose_submission

_WITHOUT_VERDICT = (Status.QUEUED, Status.RUNNING, Status.EXPIRED)


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
    rungs: Sequence[Rung] = (),
    whole_ladder: bool = False,
    tell_unclear: Callable[[Task, str], None] = lambda _task, _reason: None,
    must_answer: bool = False,
) -> Task:
    """
    Ask about a task that has no verdict yet.

    Args:
        by: Who is asking; becomes the task's `completed_by` if the status call is a verdict.
        callback_secret: To keep the callback token, which Kie.ai echoes, out of archive and record.
        rungs: Who else may know, in order.
        whole_ladder: Ask them all, whether it is their time or not.
        tell_unclear: Told of answers that were not understood.
        must_answer: Raise in the end if the status call brought no answer, and no rung a verdict.

    Returns:
        The record afterwards. It is not expired here, whatever the time.

    Raises:
        ProviderError: It is recorded that Kie.ai did not answer.
    """
    if task.upstream_task_id is None:
        return _without_id(task, tasks=tasks, policy=policy, now=now())
    if task.submission is Submission.IMPORTED:
        by = CompletedBy.IMPORT
    report: Report | None = None
    trouble: ProviderError | None = None
    try:
        answer = kie.ask(task)
    except ProviderError as error:
        trouble = error
        error.message = hide_token(error.message, task, callback_secret)
        after = _no_answer(task, error, tasks=tasks, policy=policy, now=now())
    else:
        report = hide_token_in_report(answer.report, task, callback_secret)
        if isinstance(report, Finished | Partial | Failed | NotUnderstood):
            keep_answer(
                task, answer.raw, archive=archive, callback_secret=callback_secret, now=now()
            )
        if isinstance(report, NotUnderstood):
            tell_unclear(task, report.reason)
        after = record_answer(task, report, by=by, tasks=tasks, policy=policy, now=now())
    for rung in rungs:
        if after.status not in _WITHOUT_VERDICT:
            return after
        # As it stood before this question: the first question alone is no sign of a lag.
        if whole_ladder or rung.is_due(task, report, now()):
            after = _climb(after, rung, tasks=tasks, callback_secret=callback_secret, now=now())
    return _insist(after, trouble) if must_answer else after


def _insist(task: Task, trouble: ProviderError | None) -> Task:
    """Pass the trouble with the status call on, unless somebody else knew the verdict."""
    if trouble is not None and task.status in _WITHOUT_VERDICT:
        raise trouble
    return task


def _climb(
    task: Task, rung: Rung, *, tasks: TaskStore, callback_secret: str, now: datetime
) -> Task:
    heard = rung.ask(task, now)
    if heard is None:
        return task
    words = hide_token(heard.words, task, callback_secret)
    tasks.note(task.task_id, Entry(rung.happened, now, words, heard.facts))
    finished = heard.finished
    if finished is None:
        return task

    def decide(current: Task) -> moves.Move | None:
        return moves.report_finished(
            current,
            finished,
            upstream_task_id=current.upstream_task_id,
            by=rung.by,
            happened=Happened.RESULT_REPORTED,
            now=now,
        )

    return tasks.move(task, decide).task


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
    if isinstance(report, Partial) and now >= task.deadline_at:
        report = replace(report.finished, missing=report.missing)

    def decide(current: Task) -> moves.Move | None:
        match report:
            case Finished() if not moves.only_previews(current, report):
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
        case Partial(state, finished):
            entry = Entry(Happened.KIE_ASKED, now, report.words, {"state": state})
            completed_at = task.upstream_completed_at or finished.completed_at or now
            if now - completed_at < NOT_VISIBLE_GRACE:
                next_at = policy.while_not_visible_at(task, now)
            return moves.asked(task, state, entry, next_at=next_at, completed_at=completed_at)
        case Finished():
            words = "Kie.ai names only the previews that it has named before."
        case NotVisible(message):
            if now - (task.submitted_at or task.created_at) < NOT_VISIBLE_GRACE:
                next_at = policy.while_not_visible_at(task, now)
            words = f"Kie.ai does not know the task yet: {message}"
        case _:
            reason = report.reason if isinstance(report, NotUnderstood) else ""
            words = f"Kie.ai's answer was not understood and is kept in the archive: {reason}"
    return moves.asked(
        task,
        None,
        Entry(Happened.KIE_ASKED, now, words),
        next_at=next_at,
        completed_at=report.completed_at if isinstance(report, NotUnderstood) else None,
    )


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

    pause = error.retry_after_seconds if isinstance(error, ProviderBusyError) else None

    def decide(current: Task) -> moves.Move | None:
        next_at = policy.next_ask_at(current, now)
        if pause is not None:
            next_at = min(max(next_at, now + timedelta(seconds=pause)), current.deadline_at)
        return moves.asked(current, None, entry, next_at=next_at)

    return tasks.move(task, decide).task
