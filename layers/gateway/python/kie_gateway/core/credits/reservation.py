"""
Credits set aside for one task, and what becomes of them.

Kie.ai reserves credits from a creation on, charges them for a success and releases them for a
failure; the result says what it charged (`creditsConsumed`). An owner's credits do the same.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

# Kie's prices have at most two digits behind the point; what is multiplied has a few more.
_DIGITS = 4


def as_credits(value: float | Decimal) -> Decimal:
    """Read an amount of credits, such as 0.4, exactly as it is written."""
    return Decimal(f"{value:.{_DIGITS}f}").normalize()


class Funds(StrEnum):
    """Where the credits of a reservation come from, and go back to."""

    BALANCE = "balance"
    UNLIMITED = "unlimited"


class Fate(StrEnum):
    """What has become of a reservation."""

    OPEN = "open"
    CHARGED = "charged"
    RELEASED = "released"


@dataclass(frozen=True)
class Reservation:
    """
    Credits set aside for a task.

    Attributes:
        credits: What the task is expected to cost, whichever of its models delivers.
        release_after_seconds: How long they stay set aside once nobody waits for a verdict.
        funds: Decided by the account when they are set aside.
        charged: What was charged in the end; 0 until then.
        expected: What the model at work is expected to cost, where that is less than `credits`.
    """

    credits: Decimal
    release_after_seconds: int
    funds: Funds = Funds.UNLIMITED
    fate: Fate = Fate.OPEN
    charged: Decimal = Decimal(0)
    expected: Decimal | None = None

    @property
    def price(self) -> Decimal:
        """What the model at work is expected to cost."""
        return self.credits if self.expected is None else self.expected

    @property
    def held(self) -> Decimal:
        """What is still set aside."""
        return self.credits if self.fate is Fate.OPEN else Decimal(0)

    def charge(self, taken: Decimal | None) -> "Reservation":
        """Charge what Kie.ai took, or what was expected if it did not say; once, ever."""
        if self.fate is Fate.CHARGED:
            return self
        charged = self.price if taken is None else taken
        return replace(self, fate=Fate.CHARGED, charged=charged)

    def release(self) -> "Reservation":
        """Release everything, unless it is too late."""
        return replace(self, fate=Fate.RELEASED) if self.fate is Fate.OPEN else self
