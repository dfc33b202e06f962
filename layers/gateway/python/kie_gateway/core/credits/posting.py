"""
Changes of an owner's account, each with the ledger entries that tell of it.

Many requests change one account at the same time, so a change is written as what it adds, and
holds while its premises do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.ledger import NOTHING, LedgerAccount, Reason
from kie_gateway.core.credits.posting_builder import Posting, PostingBuilder
from kie_gateway.core.credits.reservation import Fate, Funds, Reservation
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.task import Task


def start_account(account: Account, credits_: Decimal | None, now: datetime) -> Posting:
    """
    Grant a new owner what every new owner gets; None for no limit.

    Returns:
        The account as whatever comes next finds it; written together with that.
    """
    builder = PostingBuilder(account, now, Reason.START)
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


def funded_like(first: Task, task: Task) -> Task:
    """Return a task with the ledger account that funds the one it was created with."""
    if first.reservation is None or task.reservation is None:
        return task
    return replace(task, reservation=replace(task.reservation, funds=first.reservation.funds))


def post_creation(
    account: Account, tasks: Sequence[Task], tasks_at_once: int, now: datetime
) -> Posting:
    """
    Set credits aside for new tasks, and for the children that are planned for them.

    Args:
        tasks: Created together, as `funded` by this account.
        tasks_at_once: How many the owner may have open; 0 for any number.

    Raises:
        TooManyTasksError, InsufficientCreditsError, BudgetExceededError: They may not be created;
            nothing has changed.
    """
    builder = PostingBuilder(account, now, Reason.RESERVE)
    paid = [(task, task.reservation) for task in tasks if task.reservation is not None]
    needed = sum((one.credits + task.planned_credits for task, one in paid), NOTHING)
    more = sum(1 + task.planned_tasks for task, _ in paid)
    if not paid:
        return builder.posting()
    builder.admit(needed, more, tasks_at_once, now)
    for task, reservation in paid:
        fund = _funding_account(reservation.funds)
        builder.move(reservation.credits, fund, LedgerAccount.RESERVED, task.task_id)
        builder.move(task.planned_credits, fund, LedgerAccount.PLANNED, task.task_id)
    return builder.posting(more_open=more)


def post_plan(
    account: Account,
    plan_id: str,
    needed: Decimal,
    tasks: int,
    tasks_at_once: int,
    now: datetime,
) -> Posting:
    """
    Set credits aside for tasks to come that have no parent.

    Args:
        plan_id: Of what will create them, such as a batch.

    Raises:
        TooManyTasksError, InsufficientCreditsError, BudgetExceededError: As `post_creation`.
    """
    builder = PostingBuilder(account, now, Reason.RESERVE, plan_id)
    builder.admit(needed, tasks, tasks_at_once, now)
    funds = Funds.UNLIMITED if account.unlimited else Funds.BALANCE
    builder.move(needed, _funding_account(funds), LedgerAccount.PLANNED)
    return builder.posting(more_open=tasks)


@dataclass(frozen=True)
class Planned:
    """
    What is set aside for tasks to come, before and after a change.

    Attributes:
        plan_id: Of the parent, or of the batch.
        created: Those that have a record now.
    """

    plan_id: str
    funds: Funds
    credits_before: Decimal
    credits_after: Decimal
    tasks_before: int
    tasks_after: int
    created: tuple[Task, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether anything has become of what was set aside."""
        return self.tasks_before != self.tasks_after


def post_planned(account: Account, planned: Planned, now: datetime) -> Posting:
    """
    Hand over what is set aside for a batch to tasks that are created; what is left goes back.

    All of them together are one entry under the batch's id, for each costs a write.
    """
    builder = PostingBuilder(account, now, Reason.RESERVE, planned.plan_id)
    builder.move(_held(planned.created), LedgerAccount.PLANNED, LedgerAccount.RESERVED)
    return builder.posting(_book_rest(builder, planned))


def _book_rest(builder: PostingBuilder, planned: Planned) -> int:
    """Book what tasks that are created did not need; returns how many more tasks are open."""
    created = planned.created
    rest = planned.credits_before - planned.credits_after - _held(created)
    rest -= sum((task.planned_credits for task in created), NOTHING)
    fund = _funding_account(planned.funds)
    builder.move(max(rest, NOTHING), LedgerAccount.PLANNED, fund, planned.plan_id, Reason.RELEASE)
    # Only where prices have risen between a plan and what is left of it.
    builder.move(max(-rest, NOTHING), fund, LedgerAccount.PLANNED, planned.plan_id)
    is_open = sum(int(not task.status.is_settled) + task.planned_tasks for task in created)
    return planned.tasks_after - planned.tasks_before + is_open


def _held(tasks: Sequence[Task]) -> Decimal:
    return sum((task.reservation.held for task in tasks if task.reservation), NOTHING)


def affects_account(before: Task, after: Task) -> bool:
    """Whether a move of a task is one of its owner's account, too."""
    was, is_ = before.reservation, after.reservation
    ended = before.status.is_settled is not after.status.is_settled
    if was is None or is_ is None:
        return False
    if before.children != after.children:
        return True
    # Another model at work changes what is expected, and nothing of what is set aside.
    return ended or replace(was, expected=None) != replace(is_, expected=None)


def post_move(
    account: Account, before: Task, after: Task, now: datetime, created: Sequence[Task] = ()
) -> Posting:
    """
    Book what a move of a task means for its owner's account.

    Args:
        created: Its children that are created by the same move.
    """
    was, is_ = before.reservation, after.reservation
    if was is None or is_ is None:
        return Posting(account, account)
    builder = PostingBuilder(account, now, _reason(was, is_), after.task_id)
    held, due = was.held - is_.held, is_.charged - was.charged
    taken = min(held, due)
    builder.move(taken, LedgerAccount.RESERVED, LedgerAccount.SPENT)
    builder.move(held - taken, LedgerAccount.RESERVED, _funding_account(is_.funds))
    builder.pay(due - taken, is_.funds)
    planned = Planned(
        after.task_id,
        is_.funds,
        before.planned_credits,
        after.planned_credits,
        before.planned_tasks,
        after.planned_tasks,
        tuple(created),
    )
    for task in created:
        builder.move(
            _held([task]),
            LedgerAccount.PLANNED,
            LedgerAccount.RESERVED,
            task.task_id,
            Reason.RESERVE,
        )
    more_open = _book_rest(builder, planned)
    more_open += int(before.status.is_settled) - int(after.status.is_settled)
    return builder.posting(more_open)


def post_withdrawal(account: Account, tasks: Sequence[Task], now: datetime) -> Posting:
    """Release what was set aside for tasks that are withdrawn, as if never created."""
    builder = PostingBuilder(account, now, Reason.RELEASE)
    for task in tasks:
        if task.reservation is not None:
            fund = _funding_account(task.reservation.funds)
            builder.move(task.reservation.held, LedgerAccount.RESERVED, fund, task.task_id)
            builder.move(task.planned_credits, LedgerAccount.PLANNED, fund, task.task_id)
    closed = sum(1 + task.planned_tasks for task in tasks if task.reservation is not None)
    return builder.posting(-closed)


def grant(account: Account, credits_: Decimal, note: str, now: datetime) -> Posting:
    """Grant an owner credits, which pay debts first; from then on it is limited to what it has."""
    builder = PostingBuilder(account, now, Reason.GRANT, note=note)
    builder.account = replace(account, unlimited=False)
    builder.put_in(credits_)
    return builder.posting()


def adjust(account: Account, credits_: Decimal, note: str, now: datetime) -> Posting:
    """
    Correct a balance by hand, up or down; whether the owner is limited stays as it is.

    Raises:
        InvalidRequestError: There is less than shall be taken.
    """
    builder = PostingBuilder(account, now, Reason.ADJUST, note=note)
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


def _funding_account(funds: Funds) -> LedgerAccount:
    return LedgerAccount(funds.value)


def _reason(was: Reservation, is_: Reservation) -> Reason:
    if is_.fate is Fate.RELEASED:
        return Reason.RELEASE
    return Reason.LATE_SUCCESS if was.fate is Fate.RELEASED else Reason.CHARGE
