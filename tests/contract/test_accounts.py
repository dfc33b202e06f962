"""Accounts and their ledgers: one suite for the table on moto and for the fake."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from kie_gateway.aws.account_table import AccountTable
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.ledger import LedgerAccount, LedgerEntry, LedgerPosition, Reason, sums
from kie_gateway.core.credits.posting import adjust, grant
from kie_gateway.core.credits.posting_builder import Posting
from kie_gateway.core.credits.reservation import Fate, Reservation, as_credits
from kie_gateway.core.errors.caller_errors import (
    BudgetExceededError,
    CallerError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    InvalidRequestError,
    TooManyTasksError,
)
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.moves import credit_moves, ending_moves, storing_moves, verdict_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.report import Failed, Finished
from kie_gateway.core.ports.accounts import Accounts
from kie_gateway.core.ports.tasks import Existing, TaskStore
from kie_gateway.core.results import Source
from kie_gateway.core.task import CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Happened
from tests.contract.one_at_a_time import OneAtATime
from tests.fakes import FakeAccounts, FakeTaskStore
from tests.makers import NOW, RESULT_URL, UPSTREAM_ID, make_task, running_task, seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY = 86400
FAILED = Failed("fail", Failure("500", Category.UPSTREAM, "no", retryable=True))


@dataclass
class Ledger:
    """The accounts with the record beside them."""

    tasks: TaskStore
    accounts: Accounts
    number: int = 0

    def give(self, credits_: float, owner: str = "alice") -> None:
        amount = as_credits(credits_)
        self.accounts.change(owner, lambda account: grant(account, amount, "a gift", NOW), NOW)

    def set(self, owner: str = "alice", **changes: Any) -> None:
        self.accounts.change(
            owner, lambda account: Posting(account, replace(account, **changes)), NOW
        )

    def create(self, credits_: float = 10, *, tasks_at_once: int = 0, **changes: Any) -> Task:
        self.number += 1
        made = running_task(
            task_id=f"task_{self.number:026d}",
            reservation=Reservation(as_credits(credits_), DAY),
            **changes,
        )
        created = self.tasks.create(made, (), None, tasks_at_once=tasks_at_once)
        assert isinstance(created, Task)
        return created

    def move(self, task: Task, decide: Callable[[Task], Move | None]) -> Task:
        return self.tasks.move(task, decide).task

    def finish(self, task: Task, taken: float | None, *, now: datetime = NOW) -> Task:
        """Let a task succeed, or at least Kie.ai say so."""
        amount = None if taken is None else Decimal(str(taken))
        finished = Finished("success", (Source(RESULT_URL),), credits=amount)
        task = self.move(
            task,
            lambda current: verdict_moves.report_finished(
                current,
                finished,
                upstream_task_id=UPSTREAM_ID,
                by=CompletedBy.WEBHOOK,
                happened=Happened.WEBHOOK_ACCEPTED,
                now=now,
            ),
        )
        return self.move(task, lambda current: storing_moves.settle(current, (), now))

    def fail(self, task: Task) -> Task:
        return self.move(
            task, lambda current: verdict_moves.fail(current, FAILED, by=None, now=NOW)
        )

    def account(self, owner: str = "alice") -> Account:
        return self.accounts.account(owner, NOW)

    def entries(self, owner: str = "alice") -> list[LedgerEntry]:
        return list(self.accounts.ledger(owner, limit=100, before=None)[0])[::-1]

    def told(self, owner: str = "alice") -> list[tuple[str, str, float]]:
        """Tell an owner's ledger in short."""
        return [
            (entry.reason.value, f"{entry.source}>{entry.target}", float(entry.credits))
            for entry in self.entries(owner)
        ]


@pytest.fixture(params=["table", "fake"])
def make_ledger(
    request: pytest.FixtureRequest, dynamodb: "DynamoDBClient", table_name: str
) -> Callable[..., Ledger]:
    def make(new_owner_credits: Decimal | None = None) -> Ledger:
        if request.param == "fake":
            fake = FakeAccounts(new_owner_credits)
            return Ledger(FakeTaskStore(accounts=fake), fake)
        table = AccountTable(dynamodb, table_name, new_owner_credits=new_owner_credits)
        return Ledger(TaskTable(dynamodb, table_name, table), table)

    return make


@pytest.fixture
def ledger(make_ledger: Callable[..., Ledger]) -> Ledger:
    return make_ledger()


def figures(account: Account) -> tuple[float, float, float, float, int]:
    return (
        float(account.balance),
        float(account.reserved),
        float(account.spent),
        float(account.owed),
        account.open_tasks,
    )


# --- the life of a reservation --------------------------------------------------------------------


def test_an_owner_without_credits_of_its_own_is_unlimited_and_in_the_ledger(
    ledger: Ledger,
) -> None:
    task = ledger.create(10)
    assert ledger.account().unlimited
    assert figures(ledger.account()) == (0, 10, 0, 0, 1)
    ledger.finish(task, 4)
    assert figures(ledger.account()) == (0, 0, 4, 0, 0)
    assert ledger.told() == [
        ("reserve", "unlimited>reserved", 10),
        ("charge", "reserved>spent", 4),
        ("charge", "reserved>unlimited", 6),
    ]


def test_a_success_costs_what_kie_took_and_the_rest_comes_back(ledger: Ledger) -> None:
    ledger.give(100)
    task = ledger.finish(ledger.create(10), 7.5)
    assert task.credits_charged == 7.5
    assert figures(ledger.account()) == (92.5, 0, 7.5, 0, 0)
    assert [entry.balance_after for entry in ledger.entries()] == [100, 90, 90, Decimal("92.5")]
    assert {entry.task_id for entry in ledger.entries()} == {None, task.task_id}


def test_a_success_that_kie_puts_no_price_on_costs_what_was_expected(
    ledger: Ledger,
) -> None:
    ledger.give(100)
    task = ledger.finish(ledger.create(10), None)
    assert task.credits_charged == 10
    assert figures(ledger.account()) == (90, 0, 10, 0, 0)


def test_a_success_may_cost_more_than_expected(ledger: Ledger) -> None:
    ledger.give(100)
    ledger.finish(ledger.create(10), 12)
    assert figures(ledger.account()) == (88, 0, 12, 0, 0)


def test_what_a_balance_cannot_pay_is_owed_and_the_next_grant_pays_it(
    ledger: Ledger,
) -> None:
    ledger.give(12)
    ledger.finish(ledger.create(10), 20)
    assert figures(ledger.account()) == (0, 0, 20, 8, 0)
    ledger.give(5)
    assert figures(ledger.account()) == (0, 0, 20, 3, 0)
    ledger.give(5)
    assert figures(ledger.account()) == (2, 0, 20, 0, 0)
    assert ledger.told()[-2:] == [("grant", "outside>balance", 5), ("grant", "balance>owed", 3)]


def test_a_failure_costs_nothing(ledger: Ledger) -> None:
    ledger.give(100)
    task = ledger.fail(ledger.create(10))
    assert figures(ledger.account()) == (100, 0, 0, 0, 0)
    assert task.reservation is not None
    assert task.reservation.fate is Fate.RELEASED
    assert ledger.told()[-1] == ("release", "reserved>balance", 10)


def test_a_task_canceled_before_it_was_sent_costs_nothing(ledger: Ledger) -> None:
    ledger.give(100)
    task = ledger.create(
        10, status=Status.QUEUED, submission=Submission.WAITING, upstream_task_id=None
    )
    ledger.move(task, lambda current: ending_moves.cancel(current, NOW))
    assert figures(ledger.account()) == (100, 0, 0, 0, 0)


def test_a_task_canceled_later_waits_for_what_kie_says_of_it(ledger: Ledger) -> None:
    ledger.give(100)
    task = ledger.move(ledger.create(10), lambda current: ending_moves.cancel(current, NOW))
    assert figures(ledger.account()) == (90, 10, 0, 0, 0)
    assert task.release_at == NOW + seconds(DAY)
    finished = Finished("success", (Source(RESULT_URL),), credits=Decimal(8))
    task = ledger.move(task, lambda current: credit_moves.close_canceled(current, finished, NOW))
    assert (task.status, task.credits_charged, task.release_at) == (
        Status.CANCELED,
        Decimal(8),
        None,
    )
    assert figures(ledger.account()) == (92, 0, 8, 0, 0)
    again = ledger.tasks.move(
        task, lambda current: credit_moves.close_canceled(current, FAILED, NOW)
    )
    assert not again.changed


def test_a_canceled_task_that_failed_at_kie_costs_nothing(ledger: Ledger) -> None:
    ledger.give(100)
    task = ledger.move(ledger.create(10), lambda current: ending_moves.cancel(current, NOW))
    ledger.move(task, lambda current: credit_moves.close_canceled(current, FAILED, NOW))
    assert figures(ledger.account()) == (100, 0, 0, 0, 0)


def test_a_task_canceled_while_its_files_are_copied_costs_what_kie_took(
    ledger: Ledger,
) -> None:
    ledger.give(100)
    task = ledger.create(10, status=Status.STORING, credits_charged=Decimal(8))
    ledger.move(task, lambda current: ending_moves.cancel(current, NOW))
    assert figures(ledger.account()) == (92, 0, 8, 0, 0)


def expired(ledger: Ledger, credits_: float = 10) -> Task:
    late = NOW + seconds(3600)
    return ledger.move(ledger.create(credits_), lambda current: ending_moves.expire(current, late))


def released(ledger: Ledger, task: Task) -> Task:
    at = task.release_at
    assert at is not None
    early = ledger.tasks.move(task, lambda one: credit_moves.release_overdue(one, at - seconds(1)))
    assert not early.changed
    return ledger.move(task, lambda current: credit_moves.release_overdue(current, at))


def test_an_expired_task_keeps_its_credits_for_a_while(ledger: Ledger) -> None:
    ledger.give(100)
    task = expired(ledger)
    assert figures(ledger.account()) == (90, 10, 0, 0, 0)
    assert task.release_at == NOW + seconds(3600 + DAY)
    task = released(ledger, task)
    assert figures(ledger.account()) == (100, 0, 0, 0, 0)
    assert task.status is Status.EXPIRED
    assert not ledger.tasks.move(task, lambda one: credit_moves.release_overdue(one, NOW)).changed


def test_a_late_success_is_charged_and_marked(ledger: Ledger) -> None:
    ledger.give(100)
    task = released(ledger, expired(ledger))
    ledger.finish(task, 8)
    assert figures(ledger.account()) == (92, 0, 8, 0, 0)
    assert ledger.entries()[-1].reason is Reason.LATE_SUCCESS


def test_a_late_success_without_release_is_charged_as_any_other(ledger: Ledger) -> None:
    ledger.give(100)
    ledger.finish(expired(ledger), 8)
    assert figures(ledger.account()) == (92, 0, 8, 0, 0)
    assert ledger.entries()[-1].reason is Reason.CHARGE


def test_an_expired_task_that_was_never_sent_gives_its_credits_back_at_once(
    ledger: Ledger,
) -> None:
    ledger.give(100)
    task = ledger.create(10, status=Status.QUEUED, submission=Submission.WAITING)
    ledger.move(task, lambda current: ending_moves.expire(current, NOW + seconds(3600)))
    assert figures(ledger.account()) == (100, 0, 0, 0, 0)


def test_a_task_that_goes_on_after_a_preview_keeps_its_reservation_for_a_while(
    ledger: Ledger,
) -> None:
    ledger.give(100)
    task = ledger.create(10, status=Status.STORING)
    task = ledger.move(
        task,
        lambda current: storing_moves.keep_previews(
            current, (), "too small", None, next_at=NOW, now=NOW
        ),
    )
    assert task.release_at == task.deadline_at + seconds(DAY)
    assert figures(ledger.account()) == (90, 10, 0, 0, 1)
    task = ledger.move(task, lambda current: ending_moves.expire(current, task.deadline_at))
    released(ledger, task)
    assert figures(ledger.account()) == (100, 0, 0, 0, 0)


def test_a_task_without_a_reservation_touches_no_account(ledger: Ledger) -> None:
    task = running_task()
    ledger.tasks.create(task, (), None)
    ledger.finish(task, 8)
    assert ledger.account() == Account("alice")
    assert ledger.entries() == []


def test_a_deleted_task_is_still_its_owners(ledger: Ledger) -> None:
    ledger.give(100)
    task = ledger.move(ledger.create(10), lambda current: ending_moves.cancel(current, NOW))
    task = ledger.move(task, lambda current: ending_moves.delete(current, NOW))
    ledger.move(task, lambda current: credit_moves.close_canceled(current, FAILED, NOW))
    assert figures(ledger.account()) == (100, 0, 0, 0, 0)


def test_a_forgotten_task_leaves_its_two_rows_only(ledger: Ledger) -> None:
    ledger.give(100)
    task = ledger.create(10)
    ledger.tasks.forget(task, None)
    ledger.tasks.forget(task, None)
    assert figures(ledger.account()) == (100, 0, 0, 0, 0)
    assert [entry.reason.value for entry in ledger.entries()] == ["grant", "reserve", "release"]


def test_a_task_that_was_canceled_meanwhile_is_not_taken_back(ledger: Ledger) -> None:
    ledger.give(100)
    task = ledger.create(10, status=Status.QUEUED, submission=Submission.WAITING)
    canceled = ledger.move(task, lambda current: ending_moves.cancel(current, NOW))
    ledger.tasks.forget(task, None)
    assert ledger.tasks.get(task.task_id) == canceled
    assert figures(ledger.account()) == (100, 0, 0, 0, 0)


def test_credits_of_a_time_without_a_limit_do_not_become_a_balance(ledger: Ledger) -> None:
    task = ledger.create(10)
    ledger.give(5)
    ledger.fail(task)
    assert figures(ledger.account()) == (5, 0, 0, 0, 0)


def test_fractions_stay_exact(ledger: Ledger) -> None:
    ledger.give(1)
    for _ in range(3):
        ledger.finish(ledger.create(0.1), 0.1)
    assert ledger.account().balance == Decimal("0.7")


# --- refusals -------------------------------------------------------------------------------------


def refused(ledger: Ledger, kind: type[CallerError], **asked: Any) -> str:
    before, entries = ledger.account(), ledger.entries()
    with pytest.raises(kind) as caught:
        ledger.create(**asked)
    assert (ledger.account(), ledger.entries()) == (before, entries)
    assert ledger.tasks.get(f"task_{ledger.number:026d}") is None
    return str(caught.value)


def test_a_task_that_the_balance_does_not_hold_is_refused(ledger: Ledger) -> None:
    ledger.give(15)
    ledger.create(10)
    words = refused(ledger, InsufficientCreditsError, credits_=10)
    assert words == "the task costs about 10 credits, and 5 are left"
    ledger.create(5)


def test_a_task_beyond_the_months_budget_is_refused(ledger: Ledger) -> None:
    ledger.set(hard_budget=Decimal(20))
    ledger.finish(ledger.create(10), 8)
    ledger.create(10)
    refused(ledger, BudgetExceededError, credits_=3)
    ledger.create(2)


def test_a_budget_is_one_for_each_month(ledger: Ledger) -> None:
    ledger.set(hard_budget=Decimal(20))
    ledger.finish(ledger.create(15), 15)
    refused(ledger, BudgetExceededError, credits_=10)
    ledger.create(10, created_at=NOW + seconds(31 * DAY))


def test_more_tasks_at_once_than_allowed_are_refused(ledger: Ledger) -> None:
    first = ledger.create(1, tasks_at_once=2)
    ledger.create(1, tasks_at_once=2)
    refused(ledger, TooManyTasksError, credits_=1, tasks_at_once=2)
    ledger.create(1, tasks_at_once=3)
    ledger.fail(first)
    refused(ledger, TooManyTasksError, credits_=1, tasks_at_once=2)
    ledger.create(1, tasks_at_once=3)


def test_expired_and_canceled_tasks_are_not_open_and_late_results_are(
    ledger: Ledger,
) -> None:
    task = expired(ledger)
    assert ledger.account().open_tasks == 0
    finished = Finished("success", (Source(RESULT_URL),), credits=Decimal(8))
    task = ledger.move(
        task,
        lambda current: verdict_moves.report_finished(
            current,
            finished,
            upstream_task_id=UPSTREAM_ID,
            by=CompletedBy.WEBHOOK,
            happened=Happened.WEBHOOK_ACCEPTED,
            now=NOW,
        ),
    )
    assert ledger.account().open_tasks == 1
    ledger.move(task, lambda current: storing_moves.settle(current, (), NOW))
    assert ledger.account().open_tasks == 0


def test_a_repeated_request_is_answered_whatever_the_balance(ledger: Ledger) -> None:
    ledger.give(10)
    key = IdempotencyKey("alice", "key-1", "same", NOW + seconds(DAY))
    one, two = (
        make_task(task_id=f"task_{n}", reservation=Reservation(Decimal(10), DAY)) for n in (1, 2)
    )
    ledger.tasks.create(one, (), key)
    assert ledger.tasks.create(two, (), key) == Existing("task_1", same_request=True)
    with pytest.raises(InsufficientCreditsError):
        ledger.tasks.create(two, (), replace(key, key="key-2"))
    assert figures(ledger.account()) == (0, 10, 0, 0, 1)


# --- accounts -------------------------------------------------------------------------------------


def test_a_new_owner_starts_with_what_new_owners_get(
    make_ledger: Callable[..., Ledger],
) -> None:
    ledger = make_ledger(Decimal(25))
    assert figures(ledger.account()) == (25, 0, 0, 0, 0)
    assert ledger.entries() == []
    ledger.create(10)
    ledger.create(10)
    refused(ledger, InsufficientCreditsError, credits_=10)
    assert ledger.told() == [
        ("start", "outside>balance", 25),
        ("reserve", "balance>reserved", 10),
        ("reserve", "balance>reserved", 10),
    ]


def test_new_owners_may_start_with_nothing(make_ledger: Callable[..., Ledger]) -> None:
    ledger = make_ledger(Decimal(0))
    refused(ledger, InsufficientCreditsError, credits_=1)
    ledger.give(1)
    ledger.create(1)


def test_a_change_is_made_once_under_one_key(ledger: Ledger) -> None:
    key = IdempotencyKey("root", "\tgrant 1", "same", NOW + seconds(DAY))

    def give(key: IdempotencyKey, now: datetime = NOW) -> bool:
        return ledger.accounts.change(
            "alice", lambda account: grant(account, Decimal(5), "", now), now, key
        ).replayed

    assert [give(key), give(key), give(replace(key, key="other"))] == [False, True, False]
    with pytest.raises(IdempotencyMismatchError):
        give(replace(key, fingerprint="other"))
    assert ledger.account().balance == 10
    assert not give(replace(key, fingerprint="new"), key.forget_at + seconds(1))


def test_a_balance_is_corrected_up_and_down_but_never_below_zero(ledger: Ledger) -> None:
    ledger.give(10)

    def correct(by: int) -> None:
        ledger.accounts.change(
            "alice", lambda account: adjust(account, Decimal(by), "why", NOW), NOW
        )

    correct(-4)
    correct(1)
    with pytest.raises(InvalidRequestError) as caught:
        correct(-8)
    assert [fault.pointer for fault in caught.value.faults] == ["/credits"]
    assert ledger.account().balance == 7
    assert [entry.note for entry in ledger.entries()] == ["a gift", "why", "why"]


def test_a_ledger_is_read_newest_first_page_by_page(ledger: Ledger) -> None:
    for number in range(1, 8):
        ledger.give(number)
    pages: list[list[float]] = []
    balances: list[float] = []
    before: LedgerPosition | None = None
    while True:
        entries, before = ledger.accounts.ledger("alice", limit=3, before=before)
        pages.append([float(entry.credits) for entry in entries])
        balances += [float(entry.balance_after) for entry in entries]
        if before is None:
            break
    assert pages == [[7, 6, 5], [4, 3, 2], [1]]
    assert balances == [28, 21, 15, 10, 6, 3, 1]
    assert ledger.accounts.ledger("alice", limit=7, before=None)[1] is None
    assert ledger.accounts.ledger("bob", limit=3, before=None) == ([], None)


def test_owners_do_not_see_one_anothers_rows(ledger: Ledger) -> None:
    ledger.give(1, "alice")
    ledger.give(2, "alice2")
    assert [len(ledger.entries(owner)) for owner in ("alice", "alice2", "ali")] == [1, 1, 0]


def test_every_number_is_the_sum_of_its_rows(ledger: Ledger) -> None:
    ledger.give(30)
    ledger.finish(ledger.create(10), 12)
    ledger.fail(ledger.create(10))
    ledger.finish(ledger.create(10), 25)
    ledger.create(0)
    account, totals = ledger.account(), sums(ledger.entries())
    assert totals[LedgerAccount.BALANCE] == account.balance
    assert totals[LedgerAccount.RESERVED] == account.reserved
    assert totals[LedgerAccount.SPENT] == account.spent
    assert totals[LedgerAccount.OWED] == -account.owed
    assert sum(totals.values()) == 0
    assert len(ledger.entries()) == account.entries


# --- the tables alone -----------------------------------------------------------------------------


def ledger_at(client: Any, table_name: str) -> Ledger:
    """The ledger as one process sees them."""
    accounts = AccountTable(client, table_name, pause=lambda _: None)
    return Ledger(TaskTable(client, table_name, accounts, pause=lambda _: None), accounts)


def test_what_a_process_remembers_does_not_let_anybody_overspend(
    dynamodb: "DynamoDBClient", table_name: str
) -> None:
    one, two = (ledger_at(dynamodb, table_name) for _ in range(2))
    two.number = 100
    one.create(1)
    one.create(1)
    two.give(5)
    refused(one, InsufficientCreditsError, credits_=10)
    two.set(unlimited=True, hard_budget=Decimal(8))
    refused(one, BudgetExceededError, credits_=10)
    two.set(hard_budget=None)
    two.create(10)
    one.create(10)
    assert one.account() == two.account()
    assert figures(one.account()) == (5, 22, 0, 0, 4)


@pytest.mark.parametrize("given", [None, 1000, 50])
def test_eight_at_once_leave_the_ledger_right(
    dynamodb: "DynamoDBClient", table_name: str, given: float | None
) -> None:
    client = OneAtATime(dynamodb)
    one = ledger_at(client, table_name)
    if given is not None:
        one.give(given)

    def live(number: int) -> bool:
        ledger = ledger_at(client, table_name)
        ledger.number = number * 100
        try:
            tasks = [ledger.create(5) for _ in range(2)]
        except InsufficientCreditsError:
            return False
        ledger.finish(tasks[0], 4)
        ledger.fail(tasks[1])
        return True

    with ThreadPoolExecutor(8) as threads:
        lives = list(threads.map(live, range(1, 9)))
    account, totals = one.account(), sums(one.entries())
    assert totals[LedgerAccount.RESERVED] == account.reserved == account.open_tasks * 5
    assert totals[LedgerAccount.SPENT] == account.spent
    assert totals[LedgerAccount.BALANCE] == account.balance >= 0
    assert len(one.entries()) == account.entries
    if given != 50:
        assert lives == [True] * 8
        assert account.reserved == 0
        assert account.spent == 32
