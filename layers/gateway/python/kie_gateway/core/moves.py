"""
The moves of a task's record: pure rules from a task as it stands to the task as it shall be.

Each returns None where its clauses do not hold any more: somebody else was first, which is an
answer and no error. `aws/task_table.py` writes a move only if the record is still the one it was
decided on, and otherwise asks for a new decision, so every rule here may trust what it sees.

create -> submitted -> report -> settle; refuse, lose_submission, fail, expire and cancel beside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kie_gateway.core.report import Failed, Finished
from kie_gateway.core.schedule import after_storage_failure_at
from kie_gateway.core.storing import (
    MOST_PREVIEWS,
    Results,
    copy_until,
    fitting,
    merged,
    never_came,
    place_of,
    results_of,
    still_missing,
    with_results,
)
from kie_gateway.core.sweep import AFTER_DELETION, follow_entry, followed_anew
from kie_gateway.core.task import (
    DELETED_OWNER,
    Attention,
    Category,
    CompletedBy,
    Cure,
    Failure,
    Missing,
    Output,
    Source,
    Status,
    Step,
    Submission,
    Task,
)
from kie_gateway.core.task_credits import (
    believed,
    charged,
    given_up,
    released,
    released_later,
    unstored,
)
from kie_gateway.core.timeline import Entry, Happened

# A copy renews its hold every 15 s; one that has not for 45 s is dead, and another may begin.
STORING_LEASE = timedelta(seconds=45)
RENEW_AFTER = timedelta(seconds=15)
# From so many attempts on a person is told, while they go on.
TELLING_STORE_ATTEMPTS = 5
# A stalled task that is looked at again within this time has only just stalled.
STALL_REST = timedelta(seconds=10)

_MAY_GET_A_VERDICT = (Status.QUEUED, Status.RUNNING, Status.EXPIRED)
_UNSUBMITTED = (Submission.SENDING, Submission.UNKNOWN)


@dataclass(frozen=True)
class Move:
    """A task as it shall be, with what the timeline tells of the change."""

    task: Task
    entries: tuple[Entry, ...] = ()


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
    if task.submission not in _UNSUBMITTED or task.upstream_task_id not in (None, upstream_task_id):
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
    if task.submission not in _UNSUBMITTED:
        return None
    started = replace(
        task,
        submission=Submission.ACCEPTED,
        upstream_task_id=upstream_task_id,
        submitted_at=task.submitted_at or now,
    )
    by = CompletedBy.IMMEDIATE
    if isinstance(verdict, Failed):
        return fail(started, verdict, by=by, now=now)
    return report_finished(
        started,
        verdict,
        upstream_task_id=upstream_task_id,
        by=by,
        happened=Happened.RESULT_REPORTED,
        now=now,
    )


def adopt(task: Task, upstream_task_id: str, *, next_at: datetime, now: datetime) -> Move | None:
    """Take over the id that a webhook names for a creation whose answer we never saw."""
    if task.upstream_task_id is not None or task.submission not in _UNSUBMITTED:
        return None
    moved = submitted(task, upstream_task_id, next_at=next_at, now=now)
    if moved is None:
        return None
    entry = Entry(
        Happened.SUBMITTED,
        now,
        "A webhook names the id of the creation.",
        {"upstream_task_id": upstream_task_id},
    )
    return Move(moved.task, (entry,))


def wait_on(task: Task, *, next_at: datetime, turn: int) -> Move | None:
    """Give a task in the queue another ticket; a turn that it has it keeps."""
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
        f"Kie.ai did not take the creation for now: {words}",
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
    if not _may_get_a_verdict(task) or only_previews(task, finished):
        return None
    credits_taken = believed(task, finished.credits, by)
    completed_at = finished.completed_at or now
    known = replace(_adopted(task, upstream_task_id, now), upstream_completed_at=completed_at)
    after = replace(
        with_results(known, results_of(finished)),
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
        f"Kie.ai is done: {_count(finished.sources)}.{_never_came(finished)}",
        {"state": finished.state, "by": by.value, "upstream_task_id": upstream_task_id},
    )
    if finished.credits != credits_taken:
        words = f"{entry.message} {finished.credits:g} credits are not believed."
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
    """Record that the task came to nothing; not of one whose result only could not be copied."""
    if not _may_get_a_verdict(task) or task.is_unstored:
        return None
    after = replace(
        task,
        status=Status.FAILED,
        submission=submission or task.submission,
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
    if not _may_get_a_verdict(task) or task.is_unstored:
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
        asked_at=entry.at,
        polls=task.polls + 1,
        next_at=next_at,
    )
    return Move(after, (entry,))


def expire(task: Task, now: datetime) -> Move | None:
    """Record that the deadline passed without a verdict: no failure, a late result still counts."""
    if not task.is_overdue(now):
        return None
    unknown = task.upstream_task_id is None and task.submission in _UNSUBMITTED
    after = replace(
        task,
        status=Status.EXPIRED,
        attention=Attention.SUBMISSION_UNKNOWN if unknown else Attention.STALLED,
        completed_at=now,
        next_at=now + STALL_REST,
    )
    after = given_up(after, now)
    came = " Only previews came." if task.previews else ""
    words = f"No verdict by the deadline; a late result still counts.{came}"
    entry = Entry(Happened.EXPIRED, now, words)
    return Move(after, (entry,))


def stall_unrecordable(task: Task, why: str, now: datetime) -> Move | None:
    """
    End a task whose next move cannot be written, with as small a write as possible.

    No failure: what Kie.ai says of the task may be fine, and a later version may record it.
    """
    if task.status.is_settled:
        return None
    after = replace(
        task,
        status=Status.EXPIRED,
        attention=Attention.STALLED,
        completed_at=now,
        storing_until=None,
        next_at=now + STALL_REST,
        upstream_message=None,
        upstream_facts={},
    )
    words = f"A change of the task cannot be recorded: {why} It needs a person."
    return Move(given_up(after, now), (Entry(Happened.EXPIRED, now, words),))


def cancel(task: Task, now: datetime) -> Move | None:
    """
    Stop waiting for the task. Kie.ai cannot be told to stop, and charges all the same.

    So what was set aside is given back only if nothing was ever sent; a result that is there
    already is charged, and everything else waits for what Kie.ai says of it.
    """
    if task.status.is_settled:
        return None
    after = replace(task, status=Status.CANCELED, completed_at=now, attention=None, next_at=None)
    after = charged(after) if task.status is Status.STORING else given_up(after, now)
    entry = Entry(Happened.CANCELED, now, "Canceled by the caller; Kie.ai cannot be stopped.")
    return Move(after, (entry,))


def delete(task: Task, now: datetime) -> Move | None:
    """Keep what the books need of a task, and nothing that the caller gave or got."""
    if task.deleted_at is not None:
        return None
    after = replace(
        task,
        # No list and no look-up of the owner leads here any more.
        owner=f"{DELETED_OWNER}{task.owner}",
        input={},
        input_bytes=None,
        metadata={},
        sources=(),
        outputs=(),
        missing=(),
        previews=(),
        upstream_facts={},
        upstream_message=None,
        deleted_at=now,
        # Whoever was at work on it may write its last file only now.
        sweep_at=now + AFTER_DELETION,
    )
    return Move(after, (Entry(Happened.DELETED, now, "Deleted with its files by the caller."),))


def start_storing(task: Task, now: datetime) -> Move | None:
    """Take the right to copy the results; whoever comes while it is held, or too early, waits."""
    if task.status is not Status.STORING:
        return None
    if any(moment is not None and now < moment for moment in (task.storing_until, task.next_at)):
        return None
    after = replace(
        task,
        storing_until=now + STORING_LEASE,
        store_attempts=task.store_attempts + 1,
        copy_until=task.copy_until or copy_until(task, now),
    )
    entry = Entry(
        Happened.STORING_STARTED,
        now,
        f"Copying {_count(task.sources)} into the bucket.",
        {"attempt": after.store_attempts},
    )
    return Move(after, (entry,))


def keep_storing(task: Task, held_until: datetime | None, now: datetime) -> Move | None:
    """Renew the hold on a task whose copy takes long; None if somebody else holds it by now."""
    if not _is_held(task, held_until):
        return None
    return Move(replace(task, storing_until=now + STORING_LEASE))


def renew_sources(
    task: Task, results: Results, held_until: datetime | None, now: datetime
) -> Move | None:
    """Put fresh links in the place of expired ones."""
    if not _is_held(task, held_until):
        return None
    if not results.sources or fitting(results.sources) == task.sources:
        return None
    entry = Entry(Happened.KIE_ASKED, now, "A link had expired; Kie.ai gave fresh ones.")
    return Move(with_results(task, results), (entry,))


def keep_outputs(
    task: Task,
    outputs: Sequence[Output],
    held_until: datetime | None,
    now: datetime,
    delete_at: datetime | None = None,
) -> Move | None:
    """Record what is stored so far of many results."""
    if not _is_held(task, held_until) or not outputs:
        return None
    entries = tuple(_stored_entry(output, now) for output in outputs)
    return Move(_with_outputs(task, outputs, delete_at), entries)


def storing_failed(
    task: Task,
    words: str,
    held_until: datetime | None,
    *,
    missing: Sequence[Missing],
    now: datetime,
    outputs: Sequence[Output] = (),
    delete_at: datetime | None = None,
) -> Move | None:
    """
    Record that some or all results could not be copied, and what could.

    It is tried again while time may heal one of them and there is time; then the task ends.

    Args:
        missing: Those that this attempt could not copy.
        outputs: Those that it could.
    """
    if not _is_held(task, held_until):
        return None
    after = _with_outputs(task, outputs, delete_at)
    after = replace(after, missing=still_missing(after, missing), storing_until=None)
    until = task.copy_until or copy_until(task, now)
    heals = any(one.cure is Cure.TIME for one in after.missing)
    ends = not heals or now >= until
    facts = {"attempt": task.store_attempts, "given_up": ends}
    if ends:
        words = f"{words} Not tried again until the task is refreshed."
        after = _expired(after, now)
    else:
        told = task.store_attempts >= TELLING_STORE_ATTEMPTS
        after = replace(
            after,
            next_at=min(after_storage_failure_at(task.store_attempts, now), until),
            attention=Attention.STORAGE_FAILED if told else task.attention,
        )
    entries = [_stored_entry(output, now) for output in outputs]
    entries.append(Entry(Happened.STORING_FAILED, now, words, facts))
    if ends:
        kept = "Not every result is stored; the links are kept, and a late copy still counts."
        entries.append(Entry(Happened.EXPIRED, now, kept))
    return Move(after, tuple(entries))


def _expired(task: Task, now: datetime) -> Task:
    """End a task whose results could not be copied: no failure, since Kie.ai has made them."""
    lacking = [one for one in task.missing if one.cure is not Cure.NOTHING]
    words = f"{len(lacking)} of {len(task.sources)} results could not be copied"
    reason = next((one.reason for one in lacking), "")
    after = replace(
        task,
        status=Status.EXPIRED,
        attention=Attention.STORAGE_FAILED,
        error=Failure("storage_failed", Category.STORAGE, f"{words}: {reason}", retryable=True),
        completed_at=now,
        next_at=None,
    )
    return unstored(after, now)


def settle(
    task: Task,
    outputs: Sequence[Output],
    now: datetime,
    delete_at: datetime | None = None,
    previews: Sequence[Output] = (),
    held_until: datetime | None = None,
) -> Move | None:
    """
    Record that every output lies in the bucket, and until when; previews may lie beside.

    Args:
        outputs: Those that are not on record yet.
        held_until: As the copy holds the task; whoever has lost it may have been written over.
    """
    if not _is_held(task, held_until):
        return None
    after = _with_outputs(task, outputs, delete_at)
    after = replace(
        after,
        status=Status.SUCCEEDED,
        missing=never_came(task),
        previews=_with_previews(task, previews),
        completed_at=now,
        attention=None,
        storing_until=None,
        next_at=None,
    )
    words = f"Every output is stored: {len(after.outputs)}."
    if after.missing:
        words = f"Every output that Kie.ai gave is stored: {len(after.outputs)}. " + " ".join(
            f"Output {one.index}: {one.reason}" for one in after.missing[:MOST_PREVIEWS]
        )
    after = charged(after)
    entries = (
        *(_stored_entry(output, now) for output in outputs),
        Entry(Happened.SUCCEEDED, now, words),
    )
    return Move(after, entries)


def only_previews(task: Task, finished: Finished) -> bool:
    """Whether a verdict names nothing but files that turned out to be previews."""
    known = {preview.source_url for preview in task.previews}
    return bool(known) and all(place_of(one.url) in known for one in finished.sources)


def keep_previews(
    task: Task,
    previews: Sequence[Output],
    why: str,
    held_until: datetime | None,
    *,
    next_at: datetime,
    now: datetime,
) -> Move | None:
    """Go on waiting: what Kie.ai named is far below what was asked for."""
    if not _is_held(task, held_until):
        return None
    # Past its deadline it is the watch that says so, as for every task without a verdict.
    after = replace(
        task,
        status=Status.RUNNING,
        previews=_with_previews(task, previews),
        sources=(),
        outputs=(),
        missing=(),
        completed_by=None,
        upstream_completed_at=None,
        storing_until=None,
        next_at=next_at,
    )
    after = released_later(after, max(now, task.deadline_at))
    entry = Entry(
        Happened.PREVIEW_KEPT,
        now,
        f"Kept as a preview, not as a result: {why}. The real one is waited for.",
        {"previews": len(after.previews)},
    )
    return Move(after, (entry,))


def stall_storing(task: Task, now: datetime) -> Move | None:
    """Record that an execution fails for given-up copies; entered again, it tries again."""
    if not task.is_unstored or task.next_at is not None:
        return None
    return Move(replace(task, next_at=now + STALL_REST))


def try_storing_again(task: Task, now: datetime) -> Move | None:
    """Copy now what could not be copied: anew if that was given up, and sooner if it was not."""
    entry = Entry(Happened.REFRESHED, now, "Copying is tried again.")
    if task.status is Status.STORING:
        due = task.next_at is None or task.next_at <= now
        return None if due else Move(replace(task, next_at=now), (entry,))
    if not task.is_unstored:
        return None
    after = replace(
        task,
        status=Status.STORING,
        attention=None,
        error=None,
        missing=never_came(task),
        store_attempts=0,
        copy_until=copy_until(task, now, anew=True),
        next_at=now,
        storing_until=None,
        completed_at=None,
    )
    return Move(after, (entry,))


def watch_again(task: Task, now: datetime) -> Move | None:
    """Count a further execution that follows the task."""
    after = replace(task, watches=task.watches + 1)
    entry = Entry(
        Happened.WATCH_STARTED,
        now,
        "A further execution follows the task.",
        {"watch": after.watches},
    )
    return Move(after, (entry,))


def _may_get_a_verdict(task: Task) -> bool:
    return task.status in _MAY_GET_A_VERDICT and task.deleted_at is None


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


def _stored_entry(output: Output, now: datetime) -> Entry:
    return Entry(
        Happened.STORED,
        now,
        f"Output {output.index}: {output.content_type}, {output.bytes} bytes.",
        {"index": output.index, "bytes": output.bytes, "sha256": output.sha256},
    )


def _is_held(task: Task, held_until: datetime | None) -> bool:
    """Whether the copy that holds the task until then still does."""
    return task.status is Status.STORING and task.storing_until == held_until


def _with_outputs(task: Task, outputs: Sequence[Output], delete_at: datetime | None) -> Task:
    """Add stored files; those that were first are the first to go."""
    gone_at = task.delete_at if task.outputs else delete_at
    return replace(task, outputs=merged(task.outputs, outputs), delete_at=gone_at)


def _with_previews(task: Task, previews: Sequence[Output]) -> tuple[Output, ...]:
    return (*task.previews, *previews)[-MOST_PREVIEWS:]


def _never_came(finished: Finished) -> str:
    return f" Promised and never there: {len(finished.missing)}." if finished.missing else ""


def _count(sources: Sequence[Source]) -> str:
    return f"{len(sources)} file" + ("" if len(sources) == 1 else "s")
