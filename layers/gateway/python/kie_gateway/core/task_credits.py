"""What becomes of a task's reservation when the task moves."""

from dataclasses import replace
from datetime import datetime, timedelta

from kie_gateway.core.reservation import Fate
from kie_gateway.core.task import Submission, Task


def charged(task: Task) -> Task:
    """Charge what Kie.ai took; the record shows what the owner paid."""
    if task.reservation is None:
        return task
    reservation = task.reservation.charge(task.credits_charged)
    taken = float(reservation.charged)
    return replace(task, reservation=reservation, credits_charged=taken, release_at=None)


def released(task: Task) -> Task:
    """Give back what was set aside, unless it was charged."""
    if task.reservation is None:
        return task
    return replace(task, reservation=task.reservation.release(), release_at=None)


def given_up(task: Task, now: datetime) -> Task:
    """Give everything back if nothing was ever sent, and otherwise later."""
    if task.submission is Submission.WAITING:
        return released(task)
    return released_later(task, now)


def released_later(task: Task, now: datetime) -> Task:
    """Keep credits aside for a while: Kie.ai may still be at work, and charge for it."""
    reservation = task.reservation
    if reservation is None or reservation.fate is not Fate.OPEN:
        return task
    return replace(task, release_at=now + timedelta(seconds=reservation.release_after_seconds))
