"""
An owner's credits: a balance or none, what is set aside, what was spent, and a row for each move.

The books are double entry: every row takes credits out of one purse and puts them into another, so
all purses together are always zero, and each number of an account is the sum of its rows.

    outside, unlimited -> balance -> reserved -> spent
                              ^---------'   owed --^
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from kie_gateway.core.errors import (
    BudgetExceededError,
    FieldFault,
    InsufficientCreditsError,
    InvalidRequestError,
    TooManyTasksError,
)
from kie_gateway.core.reservation import Fate, Funds, Reservation
from kie_gateway.core.task import Status, Task

NOTHING = Decimal(0)


class Purse(StrEnum):
    """
    Where credits can be.

    `outside` is where grants come from, `unlimited` where the credits of owners without a balance
    come from. What a balance could not pay comes out of `owed`, and the next grant goes into it.
    """

    OUTSIDE = "outside"
    UNLIMITED = "unlimited"
    BALANCE = "balance"
    RESERVED = "reserved"
    SPENT = "spent"
    OWED = "owed"


class Reason(StrEnum):
    """Why credits moved."""

    START = "start"
    GRANT = "grant"
    ADJUST = "adjust"
    RESERVE = "reserve"
    CHARGE = "charge"
    RELEASE = "release"
    LATE_SUCCESS = "late_success"


@dataclass(frozen=True)
class Row:
    """
    One move of credits.

    Attributes:
        credits: More than 0.
        note: An admin's words.
        row_id: Rows sort by it; "" until the row is written.
        balance_after: Reckoned when rows are read, from the balance as it is now.
    """

    at: datetime
    reason: Reason
    credits: Decimal
    source: Purse
    target: Purse
    task_id: str | None = None
    note: str = ""
    row_id: str = ""
    balance_after: Decimal = NOTHING

    @property
    def gain(self) -> Decimal:
        """What it adds to the balance, negative if it takes something away."""
        into, out = self.target is Purse.BALANCE, self.source is Purse.BALANCE
        return self.credits * (int(into) - int(out))


@dataclass(frozen=True)
class Below:
    """A place in a ledger that is read from the newest row on: below a row, with its balance."""

    row_id: str
    balance: Decimal


@dataclass(frozen=True)
class Account:
    """
    An owner's account.

    Attributes:
        unlimited: Whether tasks are created whatever the balance.
        balance: What may still be set aside; never below zero.
        reserved: Set aside for tasks without a verdict.
        owed: Charged beyond what there was.
        open_tasks: Created through the gateway and not ended.
        soft_budget: Credits in a calendar month (UTC) that a warning comes with; None for none.
        hard_budget: Credits in a calendar month that no task is created beyond.
        spent_by_month: By calendar month, such as 2026-03.
        rows: How many the ledger has.
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
    rows: int = 0
    is_new: bool = True

    def spent_in(self, month: str) -> Decimal:
        """Tell what was spent in a month."""
        return self.spent_by_month.get(month, NOTHING)

    def is_over(self, budget: Decimal | None, now: datetime, further: Decimal = NOTHING) -> bool:
        """Whether what is spent and set aside this month exceeds a budget."""
        used = self.spent_in(month_of(now)) + self.reserved + further
        return budget is not None and used > budget


@dataclass(frozen=True)
class Premise:
    """What a field of an account must be for a change to hold: equal, at least or at most."""

    sign: Literal["=", ">=", "<="]
    value: Decimal | int | bool | None


@dataclass(frozen=True)
class Booked:
    """
    A change of an account, with the rows that tell of it.

    Many change one account at the same time, so a change is written as what it adds, and holds
    while its premises do.

    Attributes:
        before: What it was decided on.
        premises: By field of the account.
    """

    before: Account
    account: Account
    rows: tuple[Row, ...] = ()
    premises: Mapping[str, Premise] = field(default_factory=dict)


def month_of(now: datetime) -> str:
    """Name the calendar month of a moment, in UTC."""
    return f"{now.astimezone(UTC):%Y-%m}"


def start_account(account: Account, credits_: Decimal | None, now: datetime) -> Booked:
    """
    Give a new owner what every new owner gets; None for no limit.

    Returns:
        The account as whatever comes next finds it; written together with that.
    """
    pen = _Pen(account, now, Reason.START)
    if account.is_new and credits_ is not None:
        pen.account = replace(account, unlimited=False)
        pen.move(credits_, Purse.OUTSIDE, Purse.BALANCE)
    return pen.booked()


def together(first: Booked, then: Booked) -> Booked:
    """Make one change of two, the second decided on what the first leaves."""
    premises = {**first.premises, **then.premises}
    return Booked(first.before, then.account, (*first.rows, *then.rows), premises)


def funded(account: Account, task: Task) -> Task:
    """Say where a new task's credits come from."""
    if task.reservation is None:
        return task
    funds = Funds.UNLIMITED if account.unlimited else Funds.BALANCE
    return replace(task, reservation=replace(task.reservation, funds=funds))


def book_creation(account: Account, task: Task, tasks_at_once: int, now: datetime) -> Booked:
    """
    Set credits aside for a new task.

    Args:
        task: As `funded` by this account.
        tasks_at_once: How many the owner may have open; 0 for any number.

    Raises:
        TooManyTasksError, InsufficientCreditsError, BudgetExceededError: The task may not be
            created; nothing has changed.
    """
    pen = _Pen(account, now, Reason.RESERVE, task.task_id)
    if task.reservation is None:
        return pen.booked()
    needed = task.reservation.credits
    if tasks_at_once and account.open_tasks >= tasks_at_once:
        raise TooManyTasksError(tasks_at_once, account.open_tasks)
    if not account.unlimited and account.balance < needed:
        raise InsufficientCreditsError(
            f"the task takes about {needed:f} credits, and {account.balance:f} are left"
        )
    pen.rely("unlimited", "=")
    pen.rely("hard_budget", "=")
    if tasks_at_once:
        pen.premises["open_tasks"] = Premise("<=", tasks_at_once - 1)
    if account.hard_budget is not None:
        pen.rely("reserved", "<=")
        pen.rely("spent", "<=")
    if account.is_over(account.hard_budget, now, needed):
        raise BudgetExceededError(
            f"the task takes about {needed:f} credits, which is more than is left of this month's"
            f" {account.hard_budget:f}"
        )
    pen.move(needed, _purse(task.reservation), Purse.RESERVED)
    return pen.booked(more_open=1)


def is_booked(before: Task, after: Task) -> bool:
    """Whether a move of a task is one of its owner's account, too."""
    was, is_ = before.reservation, after.reservation
    ended = before.status.is_settled is not after.status.is_settled
    return was is not None and is_ is not None and (ended or was != is_)


def book_move(account: Account, before: Task, after: Task, now: datetime) -> Booked:
    """Book what a move of a task means for its owner's account."""
    was, is_ = before.reservation, after.reservation
    if was is None or is_ is None:
        return Booked(account, account)
    pen = _Pen(account, now, _reason(was, is_), after.task_id)
    held, due = was.held - is_.held, is_.charged - was.charged
    taken = min(held, due)
    pen.move(taken, Purse.RESERVED, Purse.SPENT)
    pen.move(held - taken, Purse.RESERVED, _purse(is_))
    pen.pay(due - taken, is_.funds)
    return pen.booked(int(before.status.is_settled) - int(after.status.is_settled))


def book_withdrawal(account: Account, task: Task, now: datetime) -> Booked:
    """Give back what was set aside for a task that is taken back, as if never created."""
    if task.reservation is None:
        return Booked(account, account)
    after = replace(task, status=Status.CANCELED, reservation=task.reservation.release())
    return book_move(account, task, after, now)


def grant(account: Account, credits_: Decimal, note: str, now: datetime) -> Booked:
    """Give an owner credits, which pay debts first; from then on it is limited to what it has."""
    pen = _Pen(account, now, Reason.GRANT, note=note)
    pen.account = replace(account, unlimited=False)
    pen.put_in(credits_)
    return pen.booked()


def adjust(account: Account, credits_: Decimal, note: str, now: datetime) -> Booked:
    """
    Correct a balance by hand, up or down; whether the owner is limited stays as it is.

    Raises:
        InvalidRequestError: There is less than shall be taken.
    """
    pen = _Pen(account, now, Reason.ADJUST, note=note)
    if credits_ > 0:
        pen.put_in(credits_)
        return pen.booked()
    if account.balance < -credits_:
        detail = f"only {account.balance:f} credits are left to take"
        raise InvalidRequestError(
            "the balance cannot go below zero", [FieldFault("/credits", detail)]
        )
    pen.move(-credits_, Purse.BALANCE, Purse.OUTSIDE)
    return pen.booked()


def limit(
    account: Account,
    unlimited: bool | None,
    soft_budget: Decimal | None,
    hard_budget: Decimal | None,
) -> Booked:
    """Say what an owner may spend; None leaves `unlimited` as it is, and takes a budget away."""
    after = replace(
        account,
        unlimited=account.unlimited if unlimited is None else unlimited,
        soft_budget=soft_budget,
        hard_budget=hard_budget,
    )
    return Booked(account, after)


def _purse(reservation: Reservation) -> Purse:
    return Purse(reservation.funds.value)


def _reason(was: Reservation, is_: Reservation) -> Reason:
    if is_.fate is Fate.RELEASED:
        return Reason.RELEASE
    return Reason.LATE_SUCCESS if was.fate is Fate.RELEASED else Reason.CHARGE


class _Pen:
    """Writes the rows of one change, and keeps the account in step with them."""

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
        self._rows: list[Row] = []

    def move(self, credits_: Decimal, source: Purse, target: Purse) -> None:
        """Move credits, if it is any."""
        if not credits_:
            return
        account = _put(_put(self.account, source, -credits_), target, credits_)
        if target is Purse.SPENT:
            month = month_of(self._at)
            spent = {month: account.spent_in(month) + credits_}
            account = replace(account, spent_by_month={**account.spent_by_month, **spent})
        self.account = replace(account, rows=account.rows + 1)
        if source is Purse.BALANCE and "balance" not in self.premises:
            # Never below zero, whoever else takes from it.
            taken = self._before.balance - account.balance
            self.premises["balance"] = Premise(">=", max(taken, NOTHING))
        self._rows.append(
            Row(
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
            return self.move(credits_, Purse.UNLIMITED, Purse.SPENT)
        if credits_:
            self.rely("balance", "=")
            self.rely("unlimited", "=")
        there = min(credits_, self.account.balance)
        self.move(there, Purse.BALANCE, Purse.SPENT)
        rest = Purse.UNLIMITED if self.account.unlimited else Purse.OWED
        return self.move(credits_ - there, rest, Purse.SPENT)

    def put_in(self, credits_: Decimal) -> None:
        """Put credits into the balance; debts are paid first."""
        self.rely("owed", "=")
        self.move(credits_, Purse.OUTSIDE, Purse.BALANCE)
        self.move(min(self._before.owed, credits_), Purse.BALANCE, Purse.OWED)

    def rely(self, name: str, sign: Literal["=", "<="]) -> None:
        """Make the change depend on a field as it was."""
        self.premises[name] = Premise(sign, getattr(self._before, name))

    def booked(self, more_open: int = 0) -> Booked:
        """Close the change; `more_open` tasks are open now, or fewer if it is negative."""
        account = replace(self.account, open_tasks=self.account.open_tasks + more_open)
        return Booked(self._before, account, tuple(self._rows), self.premises)


def _put(account: Account, purse: Purse, credits_: Decimal) -> Account:
    match purse:
        case Purse.BALANCE:
            return replace(account, balance=account.balance + credits_)
        case Purse.RESERVED:
            return replace(account, reserved=account.reserved + credits_)
        case Purse.SPENT:
            return replace(account, spent=account.spent + credits_)
        case Purse.OWED:
            return replace(account, owed=account.owed - credits_)
        case Purse.OUTSIDE | Purse.UNLIMITED:
            return account


def with_balances(rows: Sequence[Row], balance: Decimal) -> list[Row]:
    """
    Say the balance after each row.

    Args:
        rows: Newest first.
        balance: After the newest.
    """
    told = []
    for row in rows:
        told.append(replace(row, balance_after=balance))
        balance -= row.gain
    return told


def sums(rows: Sequence[Row]) -> dict[Purse, Decimal]:
    """Add up what is in each purse after some rows."""
    purses = dict.fromkeys(Purse, NOTHING)
    for row in rows:
        purses[row.source] -= row.credits
        purses[row.target] += row.credits
    return purses
