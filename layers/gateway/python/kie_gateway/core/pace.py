"""
How creations follow one another once Kie.ai refuses some.

Kie.ai takes 20 creations per 10 s and account and refuses the rest without queueing them (its
getting-started page). As long as it takes all of them, nothing is counted. From its first refusal
on, every further creation gets a slot, evenly spread, and a turn in the line: the first of each
owner, then the second of each, and so on. When a slot comes, the first in line is sent, whoever the
slot was given to. Functions are not as punctual as slots, so before anything is sent a moment is
reserved that keeps to Kie's limit however late everybody was.

While Kie.ai goes on refusing, pauses grow for everybody at once, and only one creation at a time
finds out whether that is over.

While the account has no credits, or fewer than any of those who wait would need, nothing is sent
but what the rest still covers: the slots begin an hour later, and whoever is sent first then, or by
a refresh before, finds out whether there are enough again.
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
# Refused in spite of its slot: it came a little early, or somebody else uses the account.
SHORT_PAUSE = timedelta(seconds=0.5)
# However often Kie.ai refuses, it is tried again after so long.
LONGEST_PAUSE = timedelta(minutes=1)
# After so many refusals in a row it is no longer one that came early.
REFUSING = 2
NOTHING = Decimal(0)
# How long nothing is sent for lack of credits.
CREDITS_PAUSE = timedelta(hours=1)
# The machine wakes on whole seconds; slots lie closer together.
EARLY = timedelta(seconds=1)


def wake_at(slot: datetime) -> datetime:
    """Tell when to wake for a slot: a little early, and the rest is waited for where it is used."""
    return slot - EARLY


def pause_after(refusals: int) -> timedelta:
    """
    Choose how long nothing is sent after a refusal in a line.

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
        """The time between two slots."""
        return WINDOW / self.creations * _CARE

    def next_send(self, sent: Sequence[datetime], now: datetime) -> datetime:
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
class Pace:
    """
    The line as it stands.

    Attributes:
        since: When the first slot was.
        slots: How many have been given away.
        not_before: Nothing is sent before this moment.
        turn: Of the last creation that was let through.
        for_credits: Whether the account has no credits, as far as is known.
        funds: The credits that there still are, None if that is not known.
        refusals: How many there were since Kie.ai last took a creation.
    """

    since: datetime
    slots: int
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

    def slot_at(self, number: int, rate: Rate) -> datetime:
        """Tell when a slot is; the first has the number 1."""
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
        """Whether creations still go by slots: until Kie's window after the last one has passed."""
        return now < self.slot_at(self.slots, rate) + WINDOW


@dataclass(frozen=True)
class Place:
    """
    A place in the line: the slot it comes with, and the turn among all owners.

    Attributes:
        for_credits: Whether it waits because the account has no credits.
    """

    at: datetime
    turn: int
    for_credits: bool = False


@dataclass(frozen=True)
class Send:
    """
    A moment at which Kie.ai takes a creation.

    Attributes:
        is_reserved: Whether it is ours; otherwise it was too late, and is nobody's yet.
    """

    at: datetime
    is_reserved: bool


@dataclass(frozen=True)
class InLine:
    """A task that waits for its turn."""

    task_id: str
    owner: str
    turn: int


def in_order(line: Sequence[InLine]) -> list[str]:
    """
    Order the tasks in line by turn, and each owner's by creation.

    Requests that arrive together get their turns in any order, and one that was refused gets a late
    one; ids sort by creation, so an owner's tasks take the owner's turns by id.
    """
    turns = sorted(line, key=lambda one: (one.turn, one.task_id))
    waiting: defaultdict[str, deque[str]] = defaultdict(deque)
    for one in sorted(line, key=lambda one: one.task_id):
        waiting[one.owner].append(one.task_id)
    return [waiting[one.owner].popleft() for one in turns]
