"""How a change of an owner's account is put together, entry by entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from kie_gateway.core.credits.account import Account, month_of
from kie_gateway.core.credits.ledger import NOTHING, LedgerAccount, LedgerEntry, Reason
from kie_gateway.core.credits.reservation import Funds
from kie_gateway.core.errors.caller_errors import (
    BudgetExceededError,
    InsufficientCreditsError,
    TooManyTasksError,
)


@dataclass(frozen=True)
class Premise:
    """What a field of an account must be for a change to hold: equal, at least or at most."""

    sign: Literal["=", ">=", "<="]
    value: Decimal | int | bool | None


@dataclass(frozen=True)
class Posting:
    """
    A change of an account, with the entries that tell of it.

    Attributes:
        before: What it was decided on.
        premises: By field of the account.
    """

    before: Account
    account: Account
    entries: tuple[LedgerEntry, ...] = ()
    premises: Mapping[str, Premise] = field(default_factory=dict)


class PostingBuilder:
    """Collects the entries of one change, and keeps the account in step with them."""

    def __init__(
        self,
        account: Account,
        at: datetime,
        reason: Reason,
        task_id: str | None = None,
        note: str = "",
    ) -> None:
        self.account = account
        self.premises: dict[str, Premise] = {}
        self._before = account
        self._at = at
        self._reason = reason
        self._task_id = task_id
        self._note = note
        self._entries: list[LedgerEntry] = []

    def admit(self, needed: Decimal, tasks: int, tasks_at_once: int, now: datetime) -> None:
        """
        Make sure that an owner may open so many tasks more, for so much.

        Raises:
            TooManyTasksError, InsufficientCreditsError, BudgetExceededError: It may not.
        """
        account = self._before
        if tasks_at_once and account.open_tasks + tasks > tasks_at_once:
            raise TooManyTasksError(tasks_at_once, account.open_tasks)
        what = "the task costs" if tasks == 1 else f"the {tasks} tasks cost"
        if not account.unlimited and account.balance < needed:
            raise InsufficientCreditsError(
                f"{what} about {needed:f} credits, and {account.balance:f} are left"
            )
        self.rely("unlimited", "=")
        self.rely("hard_budget", "=")
        if tasks_at_once:
            self.premises["open_tasks"] = Premise("<=", tasks_at_once - tasks)
        if account.hard_budget is not None:
            self.rely("reserved", "<=")
            self.rely("spent", "<=")
        if account.is_over(account.hard_budget, now, needed):
            raise BudgetExceededError(
                f"{what} about {needed:f} credits, which is more than is left of this month's"
                f" {account.hard_budget:f}"
            )

    def move(
        self,
        credits_: Decimal,
        source: LedgerAccount,
        target: LedgerAccount,
        task_id: str | None = None,
        reason: Reason | None = None,
    ) -> None:
        """Move credits, if it is any; for another task or reason than the change as a whole."""
        if not credits_:
            return
        account = _put(_put(self.account, source, -credits_), target, credits_)
        if target is LedgerAccount.SPENT:
            month = month_of(self._at)
            spent = {month: account.spent_in(month) + credits_}
            account = replace(account, spent_by_month={**account.spent_by_month, **spent})
        self.account = replace(account, entries=account.entries + 1)
        known = self.premises.get("balance")
        if source is LedgerAccount.BALANCE and (known is None or known.sign == ">="):
            # Never below zero, whoever else takes from it.
            taken = self._before.balance - account.balance
            self.premises["balance"] = Premise(">=", max(taken, NOTHING))
        self._entries.append(
            LedgerEntry(
                at=self._at,
                reason=reason or self._reason,
                credits=credits_,
                source=source,
                target=target,
                task_id=task_id or self._task_id,
                note=self._note,
            )
        )

    def pay(self, credits_: Decimal, funds: Funds) -> None:
        """Pay what nothing was set aside for; what a balance does not hold is owed."""
        if funds is Funds.UNLIMITED:
            return self.move(credits_, LedgerAccount.UNLIMITED, LedgerAccount.SPENT)
        if credits_:
            self.rely("balance", "=")
            self.rely("unlimited", "=")
        there = min(credits_, self.account.balance)
        self.move(there, LedgerAccount.BALANCE, LedgerAccount.SPENT)
        rest = LedgerAccount.UNLIMITED if self.account.unlimited else LedgerAccount.OWED
        return self.move(credits_ - there, rest, LedgerAccount.SPENT)

    def put_in(self, credits_: Decimal) -> None:
        """Add credits to the balance; debts are paid first."""
        self.rely("owed", "=")
        self.move(credits_, LedgerAccount.OUTSIDE, LedgerAccount.BALANCE)
        self.move(min(self._before.owed, credits_), LedgerAccount.BALANCE, LedgerAccount.OWED)

    def rely(self, name: str, sign: Literal["=", "<="]) -> None:
        """Make the change depend on a field as it was."""
        self.premises[name] = Premise(sign, getattr(self._before, name))

    def posting(self, more_open: int = 0) -> Posting:
        """Close the change; `more_open` tasks are open now, or fewer if it is negative."""
        account = replace(self.account, open_tasks=self.account.open_tasks + more_open)
        return Posting(self._before, account, tuple(self._entries), self.premises)


def _put(account: Account, place: LedgerAccount, credits_: Decimal) -> Account:
    match place:
        case LedgerAccount.BALANCE:
            return replace(account, balance=account.balance + credits_)
        case LedgerAccount.RESERVED | LedgerAccount.PLANNED:
            return replace(account, reserved=account.reserved + credits_)
        case LedgerAccount.SPENT:
            return replace(account, spent=account.spent + credits_)
        case LedgerAccount.OWED:
            return replace(account, owed=account.owed - credits_)
        case LedgerAccount.OUTSIDE | LedgerAccount.UNLIMITED:
            return account
