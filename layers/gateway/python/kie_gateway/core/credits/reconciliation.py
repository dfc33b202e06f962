"""
What must be true of accounts, ledgers and tasks together, and everything that is not.

Postings are written so that nothing of this can differ (`core/credits/posting.py`); whoever looks
for differences looks for what somebody has done to the table by hand, and for mistakes of ours.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.ledger import NOTHING, LedgerAccount, LedgerEntry, sums
from kie_gateway.core.credits.reservation import Reservation
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.task import Task

# The sweep runs every ten minutes.
_LATE = timedelta(hours=1)


@dataclass(frozen=True)
class LedgerSnapshot:
    """
    Everything that is on record of credits.

    Attributes:
        entries: By owner, oldest first.
        tasks: Those with a reservation, by id.
        batches: By id.
    """

    accounts: Mapping[str, Account] = field(default_factory=dict)
    entries: Mapping[str, Sequence[LedgerEntry]] = field(default_factory=dict)
    tasks: Mapping[str, Task] = field(default_factory=dict)
    batches: Mapping[str, Batch] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """Something that is not as it must be; `about` is an owner, a task's id or Kie.ai."""

    about: str
    words: str


@dataclass(frozen=True)
class Listed:
    """A task as Kie's history page lists it; `credits_taken` is None if it does not say."""

    upstream_task_id: str
    model: str
    credits_taken: Decimal | None
    at: datetime | None


def differences(ledger: LedgerSnapshot, now: datetime) -> Iterator[Difference]:
    """Find everything in which accounts, ledgers and tasks do not agree."""
    for owner in sorted(ledger.accounts.keys() | ledger.entries.keys()):
        yield from _of_account(
            ledger.accounts.get(owner) or Account(owner), ledger.entries.get(owner, ()), ledger
        )
    yield from _of_tasks(ledger, now)
    yield from _of_families(ledger)


def _of_account(
    account: Account, entries: Sequence[LedgerEntry], ledger: LedgerSnapshot
) -> Iterator[Difference]:
    owner, totals = account.owner, sums(entries)
    own = [task for task in ledger.tasks.values() if task.paying_owner == owner]
    batches = [batch for batch in ledger.batches.values() if batch.owner == owner]
    plans: list[Task | Batch] = [*own, *batches]
    held = sum((task.reservation.held for task in own if task.reservation), NOTHING)
    held += sum((plan.planned_credits for plan in plans), NOTHING)
    is_open = sum(not task.status.is_settled for task in own)
    is_open += sum(plan.planned_tasks for plan in plans)
    set_aside = totals[LedgerAccount.RESERVED] + totals[LedgerAccount.PLANNED]
    facts: list[tuple[str, Decimal | int, str, Decimal | int]] = [
        ("balance", account.balance, "the entries add up to", totals[LedgerAccount.BALANCE]),
        ("reserved", account.reserved, "the entries add up to", set_aside),
        ("spent", account.spent, "the entries add up to", totals[LedgerAccount.SPENT]),
        ("owed", account.owed, "the entries add up to", -totals[LedgerAccount.OWED]),
        ("reserved", account.reserved, "tasks and batches have reserved", held),
        ("entries", account.entries, "there are", len(entries)),
        ("open_tasks", account.open_tasks, "there are", is_open),
    ]
    for name, noted, how, found in facts:
        if noted != found:
            yield Difference(owner, f"{name} is {_text(noted)}, but {how} {_text(found)}")
    if account.balance < 0:
        yield Difference(owner, f"the balance is below zero: {_text(account.balance)}")


def _of_tasks(ledger: LedgerSnapshot, now: datetime) -> Iterator[Difference]:
    by_task = _by_task(ledger)
    for task_id in sorted((ledger.tasks.keys() | by_task.keys()) - ledger.batches.keys()):
        totals, task = sums(by_task[task_id]), ledger.tasks.get(task_id)
        if task is None or task.reservation is None:
            # Withdrawn before it was watched, it leaves two entries that cancel out.
            if any(totals.values()):
                yield Difference(task_id, "has entries that do not cancel out, but no reservation")
            continue
        in_batch = _family(task_id, ledger) not in ledger.tasks
        yield from _of_task(task, task.reservation, by_task[task_id], now, in_batch=in_batch)


def _of_task(
    task: Task,
    reservation: Reservation,
    entries: Sequence[LedgerEntry],
    now: datetime,
    *,
    in_batch: bool,
) -> Iterator[Difference]:
    totals = sums(entries)
    reserved = sum(
        (entry.credits for entry in entries if entry.target is LedgerAccount.RESERVED), NOTHING
    )
    # Those that a batch creates together have one entry, under the batch's id.
    of_batch = reservation.credits if in_batch and not reserved else NOTHING
    for name, noted, found in (
        ("set aside", reservation.credits, reserved + of_batch),
        ("still reserved", reservation.held, totals[LedgerAccount.RESERVED] + of_batch),
        ("charged", reservation.charged, totals[LedgerAccount.SPENT]),
    ):
        if noted != found:
            words = f"{name} is {_text(noted)} by the task, and {_text(found)} by the ledger"
            yield Difference(task.task_id, words)
    if task.release_at is not None and task.release_at + _LATE < now:
        yield Difference(task.task_id, f"was to be released at {task.release_at.isoformat()}")


def _of_families(ledger: LedgerSnapshot) -> Iterator[Difference]:
    """
    Compare what is set aside for tasks, and for tasks to come.

    It is under the id of what plans them, and leaves under theirs once they are created; so it adds
    up over a family only: a task or a batch, with all that follows from it.
    """
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    planned: defaultdict[str, Decimal] = defaultdict(Decimal)
    plans: Mapping[str, Task | Batch] = {**ledger.tasks, **ledger.batches}
    for plan_id, plan in plans.items():
        planned[_family(plan_id, ledger)] += plan.planned_credits
    for task_id, task in ledger.tasks.items():
        held[_family(task_id, ledger)] += task.reservation.held if task.reservation else NOTHING
    booked: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
    for task_id, entries in _by_task(ledger).items():
        booked[_family(task_id, ledger)] += entries
    for family in sorted(held.keys() | planned.keys() | booked.keys()):
        totals = sums(booked[family])
        for what, noted, account in (
            ("tasks", held[family], LedgerAccount.RESERVED),
            ("tasks to come", planned[family], LedgerAccount.PLANNED),
        ):
            if noted != totals[account]:
                words = f"{_text(noted)} credits are set aside for {what}"
                yield Difference(family, f"{words}, and {_text(totals[account])} by the ledger")


def _family(plan_id: str, ledger: LedgerSnapshot) -> str:
    """Return the id of the batch or the task that a task has followed from in the end."""
    task = ledger.tasks.get(plan_id)
    if task is None:
        return plan_id
    above = task.batch_id or task.parent_id
    return plan_id if above is None else _family(above, ledger)


def _by_task(ledger: LedgerSnapshot) -> Mapping[str, list[LedgerEntry]]:
    """Sort entries by what they are about."""
    by_task: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
    for entries in ledger.entries.values():
        for entry in entries:
            if entry.task_id is not None:
                by_task[entry.task_id].append(entry)
    return by_task


def _text(amount: Decimal | int) -> str:
    return f"{amount:f}" if isinstance(amount, Decimal) else str(amount)
