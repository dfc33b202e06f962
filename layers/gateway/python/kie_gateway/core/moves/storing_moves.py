"""Moves of a task whose results are copied, by the one copy that holds its lease."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from kie_gateway.core.credits.task_credits import (
    charged,
    released_later,
    unstored,
)
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.files.storing import (
    MOST_PREVIEWS,
    Results,
    copy_until,
    fitting,
    merged,
    never_came,
    still_missing,
    with_results,
    without_beside,
)
from kie_gateway.core.moves.move import STALL_REST, Move, files_in_words
from kie_gateway.core.polling.schedule import after_storage_failure_at
from kie_gateway.core.results import Cure, Missing, Output
from kie_gateway.core.task import Attention, Status, Task
from kie_gateway.core.timeline import Entry, Happened

# A copy renews its lease every 15 s; one that has not for 45 s is dead, and another may begin.
STORING_LEASE = timedelta(seconds=45)
RENEW_AFTER = timedelta(seconds=15)
# From so many attempts on a person is told, while they go on.
TELLING_STORE_ATTEMPTS = 5


def acquire_storing_lease(task: Task, now: datetime) -> Move | None:
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
        f"Copying {files_in_words(task.sources)} into the bucket.",
        {"attempt": after.store_attempts},
    )
    return Move(after, (entry,))


def renew_storing_lease(task: Task, leased_until: datetime | None, now: datetime) -> Move | None:
    """Renew the hold on a task whose copy takes long; None if somebody else holds it by now."""
    if not _has_lease(task, leased_until):
        return None
    return Move(replace(task, storing_until=now + STORING_LEASE))


def renew_sources(
    task: Task, results: Results, leased_until: datetime | None, now: datetime
) -> Move | None:
    """Replace expired links by fresh ones."""
    if not _has_lease(task, leased_until):
        return None
    if not results.sources or fitting(results.sources) == task.sources:
        return None
    entry = Entry(Happened.KIE_ASKED, now, "A link had expired; Kie.ai provided fresh ones.")
    return Move(with_results(task, results), (entry,))


def keep_outputs(
    task: Task,
    outputs: Sequence[Output],
    leased_until: datetime | None,
    now: datetime,
    delete_at: datetime | None = None,
) -> Move | None:
    """Record what is stored so far of many results."""
    if not _has_lease(task, leased_until) or not outputs:
        return None
    entries = tuple(_stored_entry(output, now) for output in outputs)
    return Move(_with_outputs(task, outputs, delete_at), entries)


def storing_failed(
    task: Task,
    words: str,
    leased_until: datetime | None,
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
    if not _has_lease(task, leased_until):
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
    promised = len(without_beside(task.sources))
    words = f"{len(lacking)} of {promised} results could not be copied"
    reason = next((one.reason for one in lacking), "")
    after = replace(
        task,
        status=Status.EXPIRED,
        has_expired=True,
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
    leased_until: datetime | None = None,
) -> Move | None:
    """
    Record that every output lies in the bucket, and until when; previews may lie beside.

    Args:
        outputs: Those that are not on record yet.
        leased_until: As the copy holds the task; whoever has lost it may have been written over.
    """
    if not _has_lease(task, leased_until):
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
        words = f"Every output that Kie.ai delivered is stored: {len(after.outputs)}. " + " ".join(
            f"Output {one.index}: {one.reason}" for one in after.missing[:MOST_PREVIEWS]
        )
    after = charged(after)
    entries = (
        *(_stored_entry(output, now) for output in outputs),
        Entry(Happened.SUCCEEDED, now, words),
    )
    return Move(after, entries)


def keep_previews(
    task: Task,
    previews: Sequence[Output],
    why: str,
    leased_until: datetime | None,
    *,
    next_at: datetime,
    now: datetime,
) -> Move | None:
    """Go on waiting: what Kie.ai named is far below what was asked for."""
    if not _has_lease(task, leased_until):
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
        f"Kept as a preview, not as a result: {why}. Waiting for the real one.",
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
    entry = Entry(Happened.REFRESHED, now, "Copying again.")
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


def _stored_entry(output: Output, now: datetime) -> Entry:
    return Entry(
        Happened.STORED,
        now,
        f"Output {output.index}: {output.content_type}, {output.bytes} bytes.",
        {"index": output.index, "bytes": output.bytes, "sha256": output.sha256},
    )


def _has_lease(task: Task, leased_until: datetime | None) -> bool:
    """Whether the copy that holds the task until then still does."""
    return task.status is Status.STORING and task.storing_until == leased_until


def _with_outputs(task: Task, outputs: Sequence[Output], delete_at: datetime | None) -> Task:
    """Add stored files; those that were first are the first to go."""
    gone_at = task.delete_at if task.outputs else delete_at
    return replace(task, outputs=merged(task.outputs, outputs), delete_at=gone_at)


def _with_previews(task: Task, previews: Sequence[Output]) -> tuple[Output, ...]:
    return (*task.previews, *previews)[-MOST_PREVIEWS:]
