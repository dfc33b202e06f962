"""
How creations follow one another once Kie.ai refuses some.

Kie.ai takes 20 creations per 10 s and account and refuses the rest without queueing them (its
getting-started page). As long as it takes all of them, nothing is counted. From its first refusal
on, every further creation is queued: it gets a ticket, due at a moment of its own, evenly spread,
and a fair turn: the first of each owner, then the second of each, and so on. When a ticket is due,
the first in the queue is submitted, whoever the ticket was issued to. Functions are not as punctual
as tickets, so before anything is submitted a permit is acquired: a moment that keeps to Kie's limit
however late everybody was.

While Kie.ai goes on refusing, pauses grow for everybody at once, and only one creation at a time
finds out whether that is over.

While the account has no credits, or fewer than any of those who wait would need, nothing is
submitted but what the rest still covers: the tickets begin an hour later, and whoever is submitted
first then, or by a refresh before, finds out whether there are enough again.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

WINDOW = timedelta(seconds=10)
# A creation that goes out so much after the moment that was reserved for it is written down anew.
HARDLY_LATE = timedelta(seconds=0.1)
# Clocks and networks are not exact: a little slower than allowed is faster than being refused.
_CARE = 1.03
_CARE_AT_LEAST = 1.02
# Two that are sent at one moment may arrive in any order.
_APART = timedelta(seconds=0.1)
# Refused in spite of its ticket: it came a little early, or somebody else uses the account.
SHORT_PAUSE = timedelta(seconds=0.5)
# However often Kie.ai refuses, it is tried again after so long.
LONGEST_PAUSE = timedelta(minutes=1)
# After so many refusals in a row it is no longer one that came early.
REFUSING = 2
NOTHING = Decimal(0)
# How long nothing is sent for lack of credits.
CREDITS_PAUSE = timedelta(hours=1)
# The machine wakes on whole seconds; tickets lie closer together.
EARLY = timedelta(seconds=1)


def wake_at(ticket_at: datetime) -> datetime:
    """Return when to wake for a ticket: a little early; the rest is waited for where it is used."""
    return ticket_at - EARLY


def pause_after(refusals: int) -> timedelta:
    """
    Choose how long nothing is sent after a refusal in a queue.

    Args:
        refusals: In a row, this one included.
    """
    return min(SHORT_PAUSE * 2.0 ** min(max(refusals - REFUSING, 0), 10), LONGEST_PAUSE)


@dataclass(frozen=True)
class Rate:
    """How many creations Kie.ai takes in `WINDOW`."""

    creations: int = 20

    @property
    def interval(self) -> timedelta:
        """The time between two tickets."""
        return WINDOW / self.creations * _CARE

    def next_permit_at(self, sent: Sequence[datetime], now: datetime) -> datetime:
        """
        Choose when the next creation may be sent.

        Args:
            sent: When earlier ones were, or will be; the last `creations` are enough.
        """
        latest_first = sorted(sent, reverse=True)
        at = max(now, latest_first[0] + _APART) if sent else now
        if len(sent) < self.creations:
            return at
        return max(at, latest_first[self.creations - 1] + WINDOW * _CARE_AT_LEAST)


@dataclass(frozen=True)
class SubmitQueueState:
    """
    The queue as it stands.

    Attributes:
        since: When the first ticket was.
        tickets: How many have been issued.
        not_before: Nothing is sent before this moment.
        turn: Of the last creation that was let through.
        for_credits: Whether the account has no credits, as far as is known.
        funds: The credits that there still are, None if that is not known.
        refusals: How many there were since Kie.ai last took a creation.
    """

    since: datetime
    tickets: int
    not_before: datetime
    turn: int
    for_credits: bool = False
    refusals: int = 0
    funds: Decimal | None = None

    def covers(self, price: Decimal | None) -> bool:
        """Whether a creation may be sent although others wait for credits: enough are left."""
        if not self.for_credits or self.funds is None or self.funds <= 0:
            return False
        return price is None or price <= self.funds

    def waits_for_credits(self, price: Decimal | None) -> bool:
        """Whether a creation of this price is held up for lack of credits."""
        return self.for_credits and not self.covers(price)

    def ticket_at(self, number: int, rate: Rate) -> datetime:
        """Return when a ticket is due; the first has the number 1."""
        return max(self.since + (number - 1) * rate.interval, self.not_before)

    @property
    def is_refused(self) -> bool:
        """Whether Kie.ai keeps refusing: one creation at a time finds out when that is over."""
        return self.refusals >= REFUSING

    def refusals_with(self, now: datetime) -> int:
        """Count refusals in a row, with one that comes now; old ones are another matter."""
        is_over = now > self.not_before + LONGEST_PAUSE + WINDOW
        return 1 if is_over else self.refusals + 1

    def is_busy(self, now: datetime, rate: Rate) -> bool:
        """Whether creations still need tickets: until Kie's window after the last has passed."""
        return now < self.ticket_at(self.tickets, rate) + WINDOW


@dataclass(frozen=True)
class Ticket:
    """
    A ticket: the moment at which it is due, and the fair turn among all owners.

    Attributes:
        for_credits: Whether it waits because the account has no credits.
    """

    at: datetime
    turn: int
    for_credits: bool = False


@dataclass(frozen=True)
class Permit:
    """
    A moment at which Kie.ai takes a creation.

    Attributes:
        is_granted: Whether it is ours; otherwise it was too late, and is nobody's yet.
    """

    at: datetime
    is_granted: bool


@dataclass(frozen=True)
class QueuedTask:
    """A task that waits for its turn."""

    task_id: str
    owner: str
    turn: int


def fair_order(submit_queue: Sequence[QueuedTask]) -> list[str]:
    """
    Order the tasks in the queue by turn, and each owner's by creation.

    Requests that arrive together get their turns in any order, and one that was refused gets a late
    one; ids sort by creation, so an owner's tasks take the owner's turns by id.
    """
    turns = sorted(submit_queue, key=lambda one: (one.turn, one.task_id))
    waiting: defaultdict[str, deque[str]] = defaultdict(deque)
    for one in sorted(submit_queue, key=lambda one: one.task_id):
        waiting[one.owner].append(one.task_id)
    return [waiting[one.owner].popleft() for one in turns]
