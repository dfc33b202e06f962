"""Moves that end a task, or follow it once more, without a verdict of Kie.ai."""

from dataclasses import replace
from datetime import datetime

from kie_gateway.core.credits.task_credits import (
    charged,
    given_up,
)
from kie_gateway.core.moves.move import STALL_REST, UNSUBMITTED, Move
from kie_gateway.core.sweep import AFTER_DELETION
from kie_gateway.core.task import DELETED_OWNER, Attention, Status, Task
from kie_gateway.core.timeline import Entry, Happened


def expire(task: Task, now: datetime) -> Move | None:
    """Record that the deadline passed without a verdict: no failure, a late result still counts."""
    if not task.is_overdue(now):
        return None
    unknown = task.upstream_task_id is None and task.submission in UNSUBMITTED
    after = replace(
        task,
        status=Status.EXPIRED,
        has_expired=True,
        attention=Attention.SUBMISSION_UNKNOWN if unknown else Attention.STALLED,
        completed_at=now,
        next_at=now + STALL_REST,
    )
    after = given_up(after, now)
    came = " Only previews arrived." if task.previews else ""
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
        has_expired=True,
        attention=Attention.STALLED,
        completed_at=now,
        storing_until=None,
        next_at=now + STALL_REST,
        upstream_message=None,
        upstream_facts={},
    )
    words = f"A change of the task cannot be recorded: {why} A person has to look."
    return Move(given_up(after, now), (Entry(Happened.EXPIRED, now, words),))


def cancel(task: Task, now: datetime) -> Move | None:
    """
    Stop waiting for the task. Kie.ai cannot be told to stop, and charges all the same.

    So what was reserved is released only if nothing was ever sent; a result that is there
    already is charged, and everything else waits for what Kie.ai says of it.
    """
    if task.status.is_settled:
        return None
    after = replace(task, status=Status.CANCELED, completed_at=now, attention=None, next_at=None)
    after = charged(after) if task.status is Status.STORING else given_up(after, now)
    entry = Entry(Happened.CANCELED, now, "Canceled by the caller; Kie.ai cannot be stopped.")
    return Move(after, (entry,))


def delete(task: Task, now: datetime) -> Move | None:
    """Keep what the ledger needs of a task, and nothing that the caller sent or received."""
    if task.deleted_at is not None:
        return None
    after = replace(
        task,
        # No list and no look-up of the owner leads here any more.
        owner=f"{DELETED_OWNER}{task.owner}",
        input={},
        input_bytes=None,
        alternatives=(),
        attempts=tuple(replace(one, tried=replace(one.tried, input={})) for one in task.attempts),
        metadata={},
        webhook=None,
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
    return Move(after, (Entry(Happened.DELETED, now, "Deleted by the caller, with its files."),))


def watch_again(task: Task, now: datetime) -> Move | None:
    """Count a further execution that follows the task."""
    after = replace(task, watches=task.watches + 1)
    entry = Entry(
        Happened.WATCH_STARTED,
        now,
        "Another execution follows the task.",
        {"watch": after.watches},
    )
    return Move(after, (entry,))
