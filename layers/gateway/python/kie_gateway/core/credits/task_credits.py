"""What becomes of a task's reservation when the task moves."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from kie_gateway.core.credits.ledger import NOTHING
from kie_gateway.core.credits.reservation import Fate
from kie_gateway.core.task import CompletedBy, Submission, Task

# Nothing that Kie.ai makes costs as much (its dearest clips take some 6,000 credits), and no
# estimate is wrong by as much.
MOST_CREDITS = 20_000
MOST_ESTIMATES = 10
# Not even a signed webhook vouches for its body.
MOST_ESTIMATES_UNASKED = 2


def believed(task: Task, said: Decimal | None, by: CompletedBy) -> Decimal | None:
    """
    Take what Kie.ai says it took, within the bounds of sense; None to charge the estimate instead.

    Args:
        said: In credits, None if Kie.ai does not say.
        by: Whether somebody asked Kie.ai, or a webhook claims it.
    """
    if said is None or not said.is_finite() or said < 0:
        return None
    expected = task.price
    if by is CompletedBy.WEBHOOK:
        # Where nothing was expected there is nothing to compare with, nor to charge instead.
        most = expected * MOST_ESTIMATES_UNASKED if expected else Decimal(MOST_CREDITS)
    else:
        most = max(Decimal(MOST_CREDITS), (expected or NOTHING) * MOST_ESTIMATES)
    return said if said <= most else None


def charged(task: Task) -> Task:
    """Charge what Kie.ai took; the record shows what the owner paid."""
    if task.reservation is None:
        return task
    reservation = task.reservation.charge(task.credits_charged)
    taken = reservation.charged
    return replace(task, reservation=reservation, credits_charged=taken, release_at=None)


def released(task: Task) -> Task:
    """Release what was reserved, unless it was charged."""
    if task.reservation is None:
        return task
    return replace(task, reservation=task.reservation.release(), release_at=None)


def given_up(task: Task, now: datetime) -> Task:
    """Release everything if nothing was ever sent, and otherwise later."""
    if task.submission is Submission.WAITING:
        return released(task)
    return released_later(task, now)


def released_later(task: Task, now: datetime) -> Task:
    """Keep credits aside for a while: Kie.ai may still be at work, and charge for it."""
    reservation = task.reservation
    if reservation is None or reservation.fate is not Fate.OPEN:
        return task
    return replace(task, release_at=now + timedelta(seconds=reservation.release_after_seconds))


def unstored(task: Task, now: datetime) -> Task:
    """
    Settle for a result that could not be copied, or only in parts.

    What Kie.ai took is not the owner's to pay before there is something to show for it. So the
    credits stay reserved as for any task that expires; once they are due for release, what is
    stored by then decides.
    """
    if task.sweep_at is None or task.release_at is None:
        return released_later(task, now)
    # It had expired before, and its credits have been due since then or will be.
    return closed(task) if now >= task.release_at else task


def closed(task: Task) -> Task:
    """Charge for a task that brought something; give everything back for one that did not."""
    return charged(task) if task.outputs else released(task)
