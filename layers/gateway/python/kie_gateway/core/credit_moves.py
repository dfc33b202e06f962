"""Moves of a task that nobody waits for any more: only its credits are still to be settled."""

from dataclasses import replace
from datetime import datetime

from kie_gateway.core.moves import Move
from kie_gateway.core.report import Failed, Finished
from kie_gateway.core.task import CompletedBy, Status, Task
from kie_gateway.core.task_credits import believed, charged, released
from kie_gateway.core.timeline import Entry, Happened


def close_canceled(task: Task, verdict: Finished | Failed, now: datetime) -> Move | None:
    """Charge for a canceled task that Kie.ai made all the same, or give its credits back."""
    reservation = task.reservation
    if task.status is not Status.CANCELED or reservation is None:
        return None
    if isinstance(verdict, Failed):
        after, words = released(task), "Kie.ai failed; the credits are given back."
    else:
        asked = believed(task, verdict.credits, CompletedBy.POLL)
        taken = asked if asked is not None else task.credits_charged
        after = charged(replace(task, credits_charged=taken))
        words = "Kie.ai made the canceled task all the same, so it is charged."
    if after.reservation == reservation:
        return None
    return Move(after, (_credits_entry(after, words, now),))


def release_overdue(task: Task, now: datetime) -> Move | None:
    """Give credits back for a task of which nothing has been heard for too long."""
    if not task.status.is_settled or task.release_at is None or now < task.release_at:
        return None
    after = released(task)
    words = "No verdict for too long; the credits are given back. A late success is charged still."
    return Move(after, (_credits_entry(after, words, now),))


def _credits_entry(task: Task, words: str, now: datetime) -> Entry:
    reservation = task.reservation
    facts = {"charged": float(reservation.charged)} if reservation is not None else {}
    return Entry(Happened.CREDITS_SETTLED, now, words, facts)
