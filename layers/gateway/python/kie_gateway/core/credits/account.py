"""An owner's account: a balance or none, what is reserved, what was spent, and its budgets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from kie_gateway.core.credits.ledger import NOTHING


@dataclass(frozen=True)
class Account:
    """
    An owner's account.

    Attributes:
        unlimited: Whether tasks are created whatever the balance.
        balance: What may still be set aside; never below zero.
        reserved: Set aside for tasks without a verdict, and for those to come.
        owed: Charged beyond what there was.
        open_tasks: Created through the gateway and not ended, and those to come.
        soft_budget: Credits in a calendar month (UTC) that a warning comes with; None for none.
        hard_budget: Credits in a calendar month that no task is created beyond.
        spent_by_month: By calendar month, such as 2026-03.
        entries: How many the ledger has.
        is_new: Whether it has never been written.
    """

    owner: str
    unlimited: bool = True
    balance: Decimal = NOTHING
    reserved: Decimal = NOTHING
    spent: Decimal = NOTHING
    owed: Decimal = NOTHING
    open_tasks: int = 0
    soft_budget: Decimal | None = None
    hard_budget: Decimal | None = None
    spent_by_month: Mapping[str, Decimal] = field(default_factory=dict)
    entries: int = 0
    is_new: bool = True

    def spent_in(self, month: str) -> Decimal:
        """Return what was spent in a month."""
        return self.spent_by_month.get(month, NOTHING)

    def is_over(self, budget: Decimal | None, now: datetime, further: Decimal = NOTHING) -> bool:
        """Whether what is spent and set aside this month exceeds a budget."""
        used = self.spent_in(month_of(now)) + self.reserved + further
        return budget is not None and used > budget


def month_of(now: datetime) -> str:
    """Return the calendar month of a moment, in UTC."""
    return f"{now.astimezone(UTC):%Y-%m}"
