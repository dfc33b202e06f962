"""Moves of a task by what Kie.ai says of it: a result, a failure, or no verdict yet."""

from dataclasses import replace
from datetime import datetime

from kie_gateway.core.credits.task_credits import (
    believed,
    released,
)
from kie_gateway.core.failure import Failure
from kie_gateway.core.files.storing import (
    copy_until,
    place_of,
    results_of,
    with_results,
)
from kie_gateway.core.moves.alternative_moves import fall_back
from kie_gateway.core.moves.move import Move, files_in_words
from kie_gateway.core.polling.report import Failed, Finished
from kie_gateway.core.sweep import follow_entry, followed_anew
from kie_gateway.core.task import CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Entry, Happened


def answer_finished(
    task: Task, finished: Finished, *, by: CompletedBy, now: datetime
) -> Move | None:
    """Record the verdict of an answer about this very task, whose id it does not add to."""
    return report_finished(
        task,
        finished,
        upstream_task_id=task.upstream_task_id,
        by=by,
        happened=Happened.RESULT_REPORTED,
        now=now,
    )


def report_finished(
    task: Task,
    finished: Finished,
    *,
    upstream_task_id: str | None,
    by: CompletedBy,
    happened: Happened,
    now: datetime,
) -> Move | None:
    """Record Kie's verdict with its links; the first verdict wins."""
    if not task.may_get_verdict or only_previews(task, finished):
        return None
    if task.earlier_attempt(upstream_task_id) is not None:
        return None
    credits_taken = believed(task, finished.credits, by)
    completed_at = finished.completed_at or now
    known = replace(_adopted(task, upstream_task_id, now), upstream_completed_at=completed_at)
    after = replace(
        with_results(known, results_of(finished, task)),
        status=Status.STORING,
        completed_by=by,
        upstream_state=finished.state,
        upstream_code=None,
        upstream_message=None,
        upstream_facts=finished.facts,
        credits_charged=credits_taken,
        error=None,
        attention=None,
        next_at=now,
        store_attempts=0,
        copy_until=copy_until(known, now),
    )
    entry = Entry(
        happened,
        now,
        f"Kie.ai is done: {files_in_words(finished.sources)}.{_never_came(finished)}",
        {"state": finished.state, "by": by.value, "upstream_task_id": upstream_task_id},
    )
    if finished.credits != credits_taken:
        words = f"{entry.message} {finished.credits:f} credits are implausible and not charged."
        entry = replace(entry, message=words)
    if task.status is not Status.EXPIRED:
        return Move(after, (entry,))
    # Its execution has ended. Whoever makes this move may die before it has started another.
    after = followed_anew(after, now)
    return Move(after, (entry, follow_entry(after, now)))


def fail(
    task: Task,
    failed: Failed,
    *,
    by: CompletedBy | None,
    now: datetime,
    submission: Submission | None = None,
) -> Move | None:
    """
    Record that the task came to nothing, or that another model is tried.

    Not of a task whose result only could not be copied.
    """
    if not task.may_get_verdict or task.is_unstored:
        return None
    task = replace(task, submission=submission or task.submission)
    instead = fall_back(task, failed, now)
    if instead is not None:
        return instead
    after = replace(
        task,
        status=Status.FAILED,
        error=failed.failure,
        completed_by=by,
        upstream_state=failed.state or task.upstream_state,
        upstream_code=failed.failure.code,
        upstream_message=failed.failure.message,
        upstream_completed_at=failed.completed_at,
        completed_at=now,
        attention=None,
        next_at=None,
    )
    return Move(released(after), (_failed_entry(failed.failure, now),))


def asked(
    task: Task,
    state: str | None,
    entry: Entry,
    *,
    next_at: datetime,
    completed_at: datetime | None = None,
) -> Move | None:
    """Record that Kie.ai was asked and gave no verdict."""
    if not task.may_get_verdict or task.is_unstored:
        return None
    words = None if state else entry.message
    if task.upstream_task_id is None:
        # Nothing could be asked, so the last word is still what the creation was answered.
        words = task.upstream_message
    after = replace(
        task,
        upstream_state=state or task.upstream_state,
        upstream_message=words,
        upstream_completed_at=completed_at or task.upstream_completed_at,
        polls=task.polls + 1,
        next_at=next_at,
    )
    return Move(after, (entry,))


def only_previews(task: Task, finished: Finished) -> bool:
    """Whether a verdict names nothing but files that turned out to be previews."""
    known = {preview.source_url for preview in task.previews}
    return bool(known) and all(place_of(one.url) in known for one in finished.sources)


def _adopted(task: Task, upstream_task_id: str | None, now: datetime) -> Task:
    """Take over the id of a creation whose answer we never saw, or have not seen yet."""
    if upstream_task_id is None or task.upstream_task_id is not None:
        return task
    return replace(
        task,
        upstream_task_id=upstream_task_id,
        submission=Submission.ACCEPTED,
        submitted_at=task.submitted_at or task.sending_at or now,
    )


def _failed_entry(failure: Failure, now: datetime) -> Entry:
    return Entry(
        Happened.FAILED,
        now,
        f"Failed: {failure.message}",
        {"code": failure.code, "category": failure.category.value},
    )


def _never_came(finished: Finished) -> str:
    return f" Promised but never delivered: {len(finished.missing)}." if finished.missing else ""
