"""Moves of a task that nobody waits for any more: only its credits are still to be settled."""

from dataclasses import replace
from datetime import datetime, timedelta

from kie_gateway.core.credits.task_credits import believed, charged, closed, released
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.report import Failed, Finished
from kie_gateway.core.task import CompletedBy, Task
from kie_gateway.core.timeline import Entry, Happened

# A last question that was not answered is asked again after the one, for as long as the other.
ASK_AGAIN_AFTER = timedelta(hours=1)
ASK_FOR = timedelta(days=1)


def close_canceled(task: Task, verdict: Finished | Failed, now: datetime) -> Move | None:
    """Charge for an unwanted task that Kie.ai made all the same, or give its credits back."""
    reservation = task.reservation
    if not task.is_unwanted or reservation is None:
        return None
    if isinstance(verdict, Failed):
        after, words = released(task), "Kie.ai failed; the credits are released."
    else:
        asked = believed(task, verdict.credits, CompletedBy.POLL)
        taken = asked if asked is not None else task.credits_charged
        after = charged(replace(task, credits_charged=taken))
        words = f"Kie.ai completed the {task.status.value} task all the same, so it is charged."
    if after.reservation == reservation:
        return None
    return Move(after, (_credits_entry(after, words, now),))


def may_ask_again(task: Task, now: datetime) -> bool:
    """Whether the last question about a task is young enough to be asked once more."""
    reservation, ended_at = task.reservation, task.deleted_at or task.completed_at
    if reservation is None or ended_at is None:
        return False
    first_due_at = ended_at + timedelta(seconds=reservation.release_after_seconds)
    return now < first_due_at + ASK_FOR


def release_later(task: Task, now: datetime) -> Move | None:
    """Keep credits aside a little longer: Kie.ai did not answer the last question about them."""
    if not task.status.is_settled or task.release_at is None or now < task.release_at:
        return None
    return Move(replace(task, release_at=now + ASK_AGAIN_AFTER))


def release_overdue(task: Task, now: datetime) -> Move | None:
    """Release the credits of a task of which nothing has been heard for too long."""
    if not task.status.is_settled or task.release_at is None or now < task.release_at:
        return None
    after = closed(task)
    words = "No verdict for too long; the credits are released. A late success is still charged."
    if task.outputs:
        words = "The rest did not arrive in time; what is stored is charged."
    return Move(after, (_credits_entry(after, words, now),))


def _credits_entry(task: Task, words: str, now: datetime) -> Entry:
    reservation = task.reservation
    facts = {"charged": float(reservation.charged)} if reservation is not None else {}
    return Entry(Happened.CREDITS_SETTLED, now, words, facts)
