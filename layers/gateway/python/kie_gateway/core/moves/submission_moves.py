"""Moves of a task on its way to Kie.ai: taken up for submission, accepted, refused, or in doubt."""

from dataclasses import replace
from datetime import datetime

from kie_gateway.core.moves import verdict_moves
from kie_gateway.core.moves.move import UNSUBMITTED, Move
from kie_gateway.core.polling.report import Failed, Finished
from kie_gateway.core.task import Attention, CompletedBy, Status, Step, Submission, Task
from kie_gateway.core.timeline import Entry, Happened


def start_submission(task: Task, now: datetime) -> Move | None:
    """Take the right to send the creation; one holder, ever, until Kie.ai surely refused."""
    if task.status is not Status.QUEUED or task.submission is not Submission.WAITING:
        return None
    if now >= task.deadline_at:
        return None
    after = replace(
        task,
        submission=Submission.SENDING,
        submission_attempts=task.submission_attempts + 1,
        sending_at=now,
    )
    entry = Entry(
        Happened.SUBMISSION_STARTED,
        now,
        "Asking Kie.ai to create the task.",
        {"attempt": after.submission_attempts},
    )
    return Move(after, (entry,))


def keep_sending(task: Task, now: datetime) -> Move | None:
    """Renew the right to send while inputs are brought to Kie.ai; None if it is gone."""
    if task.status is not Status.QUEUED or task.submission is not Submission.SENDING:
        return None
    return Move(replace(task, sending_at=now))


def submitted(
    task: Task, upstream_task_id: str, *, next_at: datetime, now: datetime
) -> Move | None:
    """
    Record that Kie.ai accepted the creation.

    A webhook or a cancellation may have been faster; then only the id is added.
    """
    if task.submission not in UNSUBMITTED or task.upstream_task_id not in (None, upstream_task_id):
        return None
    entry = Entry(
        Happened.SUBMITTED,
        now,
        "Kie.ai accepted the creation.",
        {"upstream_task_id": upstream_task_id},
    )
    after = replace(
        task,
        submission=Submission.ACCEPTED,
        upstream_task_id=upstream_task_id,
        submitted_at=task.submitted_at or now,
    )
    if task.status is Status.QUEUED:
        after = replace(after, status=Status.RUNNING, next_at=next_at, attention=None)
    return Move(after, (entry,))


def answered_at_once(
    task: Task, upstream_task_id: str | None, verdict: Finished | Failed, *, now: datetime
) -> Move | None:
    """Record a creation whose answer holds the verdict: no webhook will come for it."""
    if task.submission not in UNSUBMITTED:
        return None
    started = replace(
        task,
        submission=Submission.ACCEPTED,
        upstream_task_id=upstream_task_id,
        submitted_at=task.submitted_at or now,
    )
    by = CompletedBy.IMMEDIATE
    if isinstance(verdict, Failed):
        return verdict_moves.fail(started, verdict, by=by, now=now)
    return verdict_moves.answer_finished(started, verdict, by=by, now=now)


def adopt(task: Task, upstream_task_id: str, *, next_at: datetime, now: datetime) -> Move | None:
    """Take over the id that a webhook names for a creation whose answer we never saw."""
    if task.upstream_task_id is not None or task.submission not in UNSUBMITTED:
        return None
    if task.earlier_attempt(upstream_task_id) is not None:
        return None
    moved = submitted(task, upstream_task_id, next_at=next_at, now=now)
    if moved is None:
        return None
    entry = Entry(
        Happened.SUBMITTED,
        now,
        "A webhook named the task's id at Kie.ai.",
        {"upstream_task_id": upstream_task_id},
    )
    return Move(moved.task, (entry,))


def wait_on(task: Task, *, next_at: datetime, turn: int) -> Move | None:
    """Assign a task in the queue another ticket; it keeps a turn that it has."""
    if task.next_step is not Step.SUBMIT:
        return None
    turn = task.submit_turn if task.submit_turn is not None and not task.short_of_credits else turn
    next_at = min(next_at, task.deadline_at)
    return Move(replace(task, next_at=next_at, submit_turn=turn, short_of_credits=False))


def submit_sooner(task: Task, next_at: datetime) -> Move | None:
    """Send a creation that waits for credits by itself sooner than planned."""
    if not task.is_short_of_credits or task.next_at is None or task.next_at <= next_at:
        return None
    return Move(replace(task, next_at=next_at))


def refuse(
    task: Task,
    words: str,
    code: str | None,
    *,
    next_at: datetime,
    now: datetime,
    turn: int | None = None,
    short_of_credits: bool = False,
) -> Move | None:
    """
    Record that Kie.ai certainly did not take the creation, for now: it stays queued.

    Args:
        turn: In the queue; None if it does not wait there, but for something else.
        short_of_credits: Whether it waits by itself until there are credits at Kie.ai.
    """
    if task.status is not Status.QUEUED or task.submission is not Submission.SENDING:
        return None
    entry = Entry(
        Happened.SUBMISSION_REFUSED,
        now,
        f"Kie.ai refused the creation for now: {words}",
        {"code": code, "next_attempt_at": next_at.isoformat()},
    )
    after = replace(
        task,
        submission=Submission.WAITING,
        sending_at=None,
        next_at=next_at,
        # A turn that it has it keeps, for as long as it stands in the queue at all.
        submit_turn=task.submit_turn if None not in (task.submit_turn, turn) else turn,
        short_of_credits=short_of_credits,
        upstream_code=code,
        upstream_message=words,
    )
    return Move(after, (entry,))


def lose_submission(task: Task, words: str, *, next_at: datetime, now: datetime) -> Move | None:
    """Record that nobody knows whether Kie.ai took the creation: it is never sent again."""
    if task.submission is not Submission.SENDING or task.status is not Status.QUEUED:
        return None
    entry = Entry(
        Happened.SUBMISSION_UNKNOWN,
        now,
        f"No clear answer to the creation: {words} It may run at Kie.ai, so it is not sent again;"
        " its webhook can still bring the result.",
    )
    after = replace(
        task,
        submission=Submission.UNKNOWN,
        attention=Attention.SUBMISSION_UNKNOWN,
        upstream_message=words,
        next_at=next_at,
    )
    return Move(after, (entry,))
