"""
Changes of an owner's account, each with the ledger entries that tell of it.

Many requests change one account at the same time, so a change is written as what it adds, and
holds while its premises do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from kie_gateway.core.credits.account import Account, month_of
from kie_gateway.core.credits.ledger import NOTHING, LedgerAccount, LedgerEntry, Reason
from kie_gateway.core.credits.reservation import Fate, Funds, Reservation
from kie_gateway.core.errors.caller_errors import (
    BudgetExceededError,
    FieldFault,
    InsufficientCreditsError,
    InvalidRequestError,
    TooManyTasksError,
)
from kie_gateway.core.task import Status, Task


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


def start_account(account: Account, credits_: Decimal | None, now: datetime) -> Posting:
    """
    Grant a new owner what every new owner gets; None for no limit.

    Returns:
        The account as whatever comes next finds it; written together with that.
    """
    builder = _PostingBuilder(account, now, Reason.START)
    if account.is_new and credits_ is not None:
        builder.account = replace(account, unlimited=False)
        builder.move(credits_, LedgerAccount.OUTSIDE, LedgerAccount.BALANCE)
    return builder.posting()


def together(first: Posting, then: Posting) -> Posting:
    """Make one change of two, the second decided on what the first leaves."""
    premises = {**first.premises, **then.premises}
    return Posting(first.before, then.account, (*first.entries, *then.entries), premises)


def funded(account: Account, task: Task) -> Task:
    """Return a new task with the ledger account that funds it."""
    if task.reservation is None:
        return task
    funds = Funds.UNLIMITED if account.unlimited else Funds.BALANCE
    return replace(task, reservation=replace(task.reservation, funds=funds))


def post_creation(account: Account, task: Task, tasks_at_once: int, now: datetime) -> Posting:
    """
    Set credits aside for a new task.

    Args:
        task: As `funded` by this account.
        tasks_at_once: How many the owner may have open; 0 for any number.

    Raises:
        TooManyTasksError, InsufficientCreditsError, BudgetExceededError: The task may not be
            created; nothing has changed.
    """
    builder = _PostingBuilder(account, now, Reason.RESERVE, task.task_id)
    if task.reservation is None:
        return builder.posting()
    needed = task.reservation.credits
    if tasks_at_once and account.open_tasks >= tasks_at_once:
        raise TooManyTasksError(tasks_at_once, account.open_tasks)
    if not account.unlimited and account.balance < needed:
        raise InsufficientCreditsError(
            f"the task costs about {needed:f} credits, and {account.balance:f} are left"
        )
    builder.rely("unlimited", "=")
    builder.rely("hard_budget", "=")
    if tasks_at_once:
        builder.premises["open_tasks"] = Premise("<=", tasks_at_once - 1)
    if account.hard_budget is not None:
        builder.rely("reserved", "<=")
        builder.rely("spent", "<=")
    if account.is_over(account.hard_budget, now, needed):
        raise BudgetExceededError(
            f"the task costs about {needed:f} credits, which is more than is left of this month's"
            f" {account.hard_budget:f}"
        )
    builder.move(needed, _funding_account(task.reservation), LedgerAccount.RESERVED)
    return builder.posting(more_open=1)


def affects_account(before: Task, after: Task) -> bool:
    """Whether a move of a task is one of its owner's account, too."""
    was, is_ = before.reservation, after.reservation
    ended = before.status.is_settled is not after.status.is_settled
    return was is not None and is_ is not None and (ended or was != is_)


def post_move(account: Account, before: Task, after: Task, now: datetime) -> Posting:
    """Book what a move of a task means for its owner's account."""
    was, is_ = before.reservation, after.reservation
    if was is None or is_ is None:
        return Posting(account, account)
    builder = _PostingBuilder(account, now, _reason(was, is_), after.task_id)
    held, due = was.held - is_.held, is_.charged - was.charged
    taken = min(held, due)
    builder.move(taken, LedgerAccount.RESERVED, LedgerAccount.SPENT)
    builder.move(held - taken, LedgerAccount.RESERVED, _funding_account(is_))
    builder.pay(due - taken, is_.funds)
    return builder.posting(int(before.status.is_settled) - int(after.status.is_settled))


def post_withdrawal(account: Account, task: Task, now: datetime) -> Posting:
    """Release what was reserved for a task that is withdrawn, as if never created."""
    if task.reservation is None:
        return Posting(account, account)
    after = replace(task, status=Status.CANCELED, reservation=task.reservation.release())
    return post_move(account, task, after, now)


def grant(account: Account, credits_: Decimal, note: str, now: datetime) -> Posting:
    """Grant an owner credits, which pay debts first; from then on it is limited to what it has."""
    builder = _PostingBuilder(account, now, Reason.GRANT, note=note)
    builder.account = replace(account, unlimited=False)
    builder.put_in(credits_)
    return builder.posting()


def adjust(account: Account, credits_: Decimal, note: str, now: datetime) -> Posting:
    """
    Correct a balance by hand, up or down; whether the owner is limited stays as it is.

    Raises:
        InvalidRequestError: There is less than shall be taken.
    """
    builder = _PostingBuilder(account, now, Reason.ADJUST, note=note)
    if credits_ > 0:
        builder.put_in(credits_)
        return builder.posting()
    if account.balance < -credits_:
        detail = f"only {account.balance:f} credits are left to deduct"
        raise InvalidRequestError(
            "the balance cannot go below zero", [FieldFault("/credits", detail)]
        )
    builder.move(-credits_, LedgerAccount.BALANCE, LedgerAccount.OUTSIDE)
    return builder.posting()


def limit(
    account: Account,
    unlimited: bool | None,
    soft_budget: Decimal | None,
    hard_budget: Decimal | None,
) -> Posting:
    """Set what an owner may spend; None leaves `unlimited` as it is, and removes a budget."""
    after = replace(
        account,
        unlimited=account.unlimited if unlimited is None else unlimited,
        soft_budget=soft_budget,
        hard_budget=hard_budget,
    )
    return Posting(account, after)


def _funding_account(reservation: Reservation) -> LedgerAccount:
    return LedgerAccount(reservation.funds.value)


def _reason(was: Reservation, is_: Reservation) -> Reason:
    if is_.fate is Fate.RELEASED:
        return Reason.RELEASE
    return Reason.LATE_SUCCESS if was.fate is Fate.RELEASED else Reason.CHARGE


class _PostingBuilder:
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

    def move(self, credits_: Decimal, source: LedgerAccount, target: LedgerAccount) -> None:
        """Move credits, if it is any."""
        if not credits_:
            return
        account = _put(_put(self.account, source, -credits_), target, credits_)
        if target is LedgerAccount.SPENT:
            month = month_of(self._at)
            spent = {month: account.spent_in(month) + credits_}
            account = replace(account, spent_by_month={**account.spent_by_month, **spent})
        self.account = replace(account, entries=account.entries + 1)
        if source is LedgerAccount.BALANCE and "balance" not in self.premises:
            # Never below zero, whoever else takes from it.
            taken = self._before.balance - account.balance
            self.premises["balance"] = Premise(">=", max(taken, NOTHING))
        self._entries.append(
            LedgerEntry(
                at=self._at,
                reason=self._reason,
                credits=credits_,
                source=source,
                target=target,
                task_id=self._task_id,
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
        case LedgerAccount.RESERVED:
            return replace(account, reserved=account.reserved + credits_)
        case LedgerAccount.SPENT:
            return replace(account, spent=account.spent + credits_)
        case LedgerAccount.OWED:
            return replace(account, owed=account.owed - credits_)
        case LedgerAccount.OUTSIDE | LedgerAccount.UNLIMITED:
            return account
