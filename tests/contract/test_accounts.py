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
from kie_gateway.core import credit_moves, moves
from kie_gateway.core.account import Account, Below, Booked, Purse, Reason, Row, adjust, grant, sums
from kie_gateway.core.errors import (
    BudgetExceededError,
    CallerError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    InvalidRequestError,
    TooManyTasksError,
)
from kie_gateway.core.idempotency import IdempotencyKey
from kie_gateway.core.ports import Accounts, Existing, TaskStore
from kie_gateway.core.report import Failed, Finished
from kie_gateway.core.reservation import Fate, Reservation, as_credits
from kie_gateway.core.task import (
    Category,
    CompletedBy,
    Failure,
    Source,
    Status,
    Submission,
    Task,
)
from kie_gateway.core.timeline import Happened
from tests.contract.one_at_a_time import OneAtATime
from tests.fakes import FakeAccounts, FakeTaskStore
from tests.makers import NOW, RESULT_URL, UPSTREAM_ID, make_task, running_task, seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY = 86400
FAILED = Failed("fail", Failure("500", Category.UPSTREAM, "no", retryable=True))


@dataclass
class Books:
    """The accounts with the record beside them."""

    tasks: TaskStore
    accounts: Accounts
    number: int = 0

    def give(self, credits_: float, owner: str = "alice") -> None:
        amount = as_credits(credits_)
        self.accounts.change(owner, lambda account: grant(account, amount, "a gift", NOW), NOW)

    def set(self, owner: str = "alice", **changes: Any) -> None:
        self.accounts.change(
            owner, lambda account: Booked(account, replace(account, **changes)), NOW
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

    def move(self, task: Task, decide: Callable[[Task], moves.Move | None]) -> Task:
        return self.tasks.move(task, decide).task

    def finish(self, task: Task, taken: float | None, *, now: datetime = NOW) -> Task:
        """Let a task succeed, or at least Kie.ai say so."""
        finished = Finished("success", (Source(RESULT_URL),), credits=taken)
        task = self.move(
            task,
            lambda current: moves.report_finished(
                current,
                finished,
                upstream_task_id=UPSTREAM_ID,
                by=CompletedBy.WEBHOOK,
                happened=Happened.WEBHOOK_ACCEPTED,
                now=now,
            ),
        )
        return self.move(task, lambda current: moves.settle(current, (), now))

    def fail(self, task: Task) -> Task:
        return self.move(task, lambda current: moves.fail(current, FAILED, by=None, now=NOW))

    def account(self, owner: str = "alice") -> Account:
        return self.accounts.account(owner, NOW)

    def rows(self, owner: str = "alice") -> list[Row]:
        return list(self.accounts.ledger(owner, limit=100, before=None)[0])[::-1]

    def told(self, owner: str = "alice") -> list[tuple[str, str, float]]:
        """Tell an owner's ledger in short."""
        return [
            (row.reason.value, f"{row.source}>{row.target}", float(row.credits))
            for row in self.rows(owner)
        ]


@pytest.fixture(params=["table", "fake"])
def make_books(
    request: pytest.FixtureRequest, dynamodb: "DynamoDBClient", table_name: str
) -> Callable[..., Books]:
    def make(new_owner_credits: Decimal | None = None) -> Books:
        if request.param == "fake":
            fake = FakeAccounts(new_owner_credits)
            return Books(FakeTaskStore(accounts=fake), fake)
        table = AccountTable(dynamodb, table_name, new_owner_credits=new_owner_credits)
        return Books(TaskTable(dynamodb, table_name, table), table)

    return make


@pytest.fixture
def books(make_books: Callable[..., Books]) -> Books:
    return make_books()


def figures(account: Account) -> tuple[float, float, float, float, int]:
    return (
        float(account.balance),
        float(account.reserved),
        float(account.spent),
        float(account.owed),
        account.open_tasks,
    )


# --- the life of a reservation --------------------------------------------------------------------


def test_an_owner_without_credits_of_its_own_is_unlimited_and_on_the_books(books: Books) -> None:
    task = books.create(10)
    assert books.account().unlimited
    assert figures(books.account()) == (0, 10, 0, 0, 1)
    books.finish(task, 4)
    assert figures(books.account()) == (0, 0, 4, 0, 0)
    assert books.told() == [
        ("reserve", "unlimited>reserved", 10),
        ("charge", "reserved>spent", 4),
        ("charge", "reserved>unlimited", 6),
    ]


def test_a_success_costs_what_kie_took_and_the_rest_comes_back(books: Books) -> None:
    books.give(100)
    task = books.finish(books.create(10), 7.5)
    assert task.credits_charged == 7.5
    assert figures(books.account()) == (92.5, 0, 7.5, 0, 0)
    assert [row.balance_after for row in books.rows()] == [100, 90, 90, Decimal("92.5")]
    assert {row.task_id for row in books.rows()} == {None, task.task_id}


def test_a_success_that_kie_puts_no_price_on_costs_what_was_expected(books: Books) -> None:
    books.give(100)
    task = books.finish(books.create(10), None)
    assert task.credits_charged == 10
    assert figures(books.account()) == (90, 0, 10, 0, 0)


def test_a_success_may_cost_more_than_expected(books: Books) -> None:
    books.give(100)
    books.finish(books.create(10), 12)
    assert figures(books.account()) == (88, 0, 12, 0, 0)


def test_what_a_balance_cannot_pay_is_owed_and_the_next_grant_pays_it(books: Books) -> None:
    books.give(12)
    books.finish(books.create(10), 20)
    assert figures(books.account()) == (0, 0, 20, 8, 0)
    books.give(5)
    assert figures(books.account()) == (0, 0, 20, 3, 0)
    books.give(5)
    assert figures(books.account()) == (2, 0, 20, 0, 0)
    assert books.told()[-2:] == [("grant", "outside>balance", 5), ("grant", "balance>owed", 3)]


def test_a_failure_costs_nothing(books: Books) -> None:
    books.give(100)
    task = books.fail(books.create(10))
    assert figures(books.account()) == (100, 0, 0, 0, 0)
    assert task.reservation is not None
    assert task.reservation.fate is Fate.RELEASED
    assert books.told()[-1] == ("release", "reserved>balance", 10)


def test_a_task_canceled_before_it_was_sent_costs_nothing(books: Books) -> None:
    books.give(100)
    task = books.create(
        10, status=Status.QUEUED, submission=Submission.WAITING, upstream_task_id=None
    )
    books.move(task, lambda current: moves.cancel(current, NOW))
    assert figures(books.account()) == (100, 0, 0, 0, 0)


def test_a_task_canceled_later_waits_for_what_kie_says_of_it(books: Books) -> None:
    books.give(100)
    task = books.move(books.create(10), lambda current: moves.cancel(current, NOW))
    assert figures(books.account()) == (90, 10, 0, 0, 0)
    assert task.release_at == NOW + seconds(DAY)
    finished = Finished("success", (Source(RESULT_URL),), credits=8)
    task = books.move(task, lambda current: credit_moves.close_canceled(current, finished, NOW))
    assert (task.status, task.credits_charged, task.release_at) == (Status.CANCELED, 8, None)
    assert figures(books.account()) == (92, 0, 8, 0, 0)
    again = books.tasks.move(
        task, lambda current: credit_moves.close_canceled(current, FAILED, NOW)
    )
    assert not again.changed


def test_a_canceled_task_that_failed_at_kie_costs_nothing(books: Books) -> None:
    books.give(100)
    task = books.move(books.create(10), lambda current: moves.cancel(current, NOW))
    books.move(task, lambda current: credit_moves.close_canceled(current, FAILED, NOW))
    assert figures(books.account()) == (100, 0, 0, 0, 0)


def test_a_task_canceled_while_its_files_are_copied_costs_what_kie_took(books: Books) -> None:
    books.give(100)
    task = books.create(10, status=Status.STORING, credits_charged=8.0)
    books.move(task, lambda current: moves.cancel(current, NOW))
    assert figures(books.account()) == (92, 0, 8, 0, 0)


def expired(books: Books, credits_: float = 10) -> Task:
    late = NOW + seconds(3600)
    return books.move(books.create(credits_), lambda current: moves.expire(current, late))


def released(books: Books, task: Task) -> Task:
    at = task.release_at
    assert at is not None
    early = books.tasks.move(task, lambda one: credit_moves.release_overdue(one, at - seconds(1)))
    assert not early.changed
    return books.move(task, lambda current: credit_moves.release_overdue(current, at))


def test_an_expired_task_keeps_its_credits_for_a_while(books: Books) -> None:
    books.give(100)
    task = expired(books)
    assert figures(books.account()) == (90, 10, 0, 0, 0)
    assert task.release_at == NOW + seconds(3600 + DAY)
    task = released(books, task)
    assert figures(books.account()) == (100, 0, 0, 0, 0)
    assert task.status is Status.EXPIRED
    assert not books.tasks.move(task, lambda one: credit_moves.release_overdue(one, NOW)).changed


def test_a_late_success_is_charged_and_marked(books: Books) -> None:
    books.give(100)
    task = released(books, expired(books))
    books.finish(task, 8)
    assert figures(books.account()) == (92, 0, 8, 0, 0)
    assert books.rows()[-1].reason is Reason.LATE_SUCCESS


def test_a_late_success_without_release_is_charged_as_any_other(books: Books) -> None:
    books.give(100)
    books.finish(expired(books), 8)
    assert figures(books.account()) == (92, 0, 8, 0, 0)
    assert books.rows()[-1].reason is Reason.CHARGE


def test_an_expired_task_that_was_never_sent_gives_its_credits_back_at_once(books: Books) -> None:
    books.give(100)
    task = books.create(10, status=Status.QUEUED, submission=Submission.WAITING)
    books.move(task, lambda current: moves.expire(current, NOW + seconds(3600)))
    assert figures(books.account()) == (100, 0, 0, 0, 0)


def test_a_task_that_goes_on_after_a_preview_keeps_its_reservation_for_a_while(
    books: Books,
) -> None:
    books.give(100)
    task = books.create(10, status=Status.STORING)
    task = books.move(
        task,
        lambda current: moves.keep_previews(current, (), "too small", None, next_at=NOW, now=NOW),
    )
    assert task.release_at == task.deadline_at + seconds(DAY)
    assert figures(books.account()) == (90, 10, 0, 0, 1)
    task = books.move(task, lambda current: moves.expire(current, task.deadline_at))
    released(books, task)
    assert figures(books.account()) == (100, 0, 0, 0, 0)


def test_a_task_without_a_reservation_touches_no_account(books: Books) -> None:
    task = running_task()
    books.tasks.create(task, (), None)
    books.finish(task, 8)
    assert books.account() == Account("alice")
    assert books.rows() == []


def test_a_deleted_task_is_still_its_owners(books: Books) -> None:
    books.give(100)
    task = books.move(books.create(10), lambda current: moves.cancel(current, NOW))
    task = books.move(task, lambda current: moves.delete(current, NOW))
    books.move(task, lambda current: credit_moves.close_canceled(current, FAILED, NOW))
    assert figures(books.account()) == (100, 0, 0, 0, 0)


def test_a_forgotten_task_leaves_its_two_rows_only(books: Books) -> None:
    books.give(100)
    task = books.create(10)
    books.tasks.forget(task, None)
    books.tasks.forget(task, None)
    assert figures(books.account()) == (100, 0, 0, 0, 0)
    assert [row.reason.value for row in books.rows()] == ["grant", "reserve", "release"]


def test_a_task_that_was_canceled_meanwhile_is_not_taken_back(books: Books) -> None:
    books.give(100)
    task = books.create(10, status=Status.QUEUED, submission=Submission.WAITING)
    canceled = books.move(task, lambda current: moves.cancel(current, NOW))
    books.tasks.forget(task, None)
    assert books.tasks.get(task.task_id) == canceled
    assert figures(books.account()) == (100, 0, 0, 0, 0)


def test_credits_of_a_time_without_a_limit_do_not_become_a_balance(books: Books) -> None:
    task = books.create(10)
    books.give(5)
    books.fail(task)
    assert figures(books.account()) == (5, 0, 0, 0, 0)


def test_fractions_stay_exact(books: Books) -> None:
    books.give(1)
    for _ in range(3):
        books.finish(books.create(0.1), 0.1)
    assert books.account().balance == Decimal("0.7")


# --- refusals -------------------------------------------------------------------------------------


def refused(books: Books, kind: type[CallerError], **asked: Any) -> str:
    before, rows = books.account(), books.rows()
    with pytest.raises(kind) as caught:
        books.create(**asked)
    assert (books.account(), books.rows()) == (before, rows)
    assert books.tasks.get(f"task_{books.number:026d}") is None
    return str(caught.value)


def test_a_task_that_the_balance_does_not_hold_is_refused(books: Books) -> None:
    books.give(15)
    books.create(10)
    words = refused(books, InsufficientCreditsError, credits_=10)
    assert words == "the task takes about 10 credits, and 5 are left"
    books.create(5)


def test_a_task_beyond_the_months_budget_is_refused(books: Books) -> None:
    books.set(hard_budget=Decimal(20))
    books.finish(books.create(10), 8)
    books.create(10)
    refused(books, BudgetExceededError, credits_=3)
    books.create(2)


def test_a_budget_is_one_for_each_month(books: Books) -> None:
    books.set(hard_budget=Decimal(20))
    books.finish(books.create(15), 15)
    refused(books, BudgetExceededError, credits_=10)
    books.create(10, created_at=NOW + seconds(31 * DAY))


def test_more_tasks_at_once_than_allowed_are_refused(books: Books) -> None:
    first = books.create(1, tasks_at_once=2)
    books.create(1, tasks_at_once=2)
    refused(books, TooManyTasksError, credits_=1, tasks_at_once=2)
    books.create(1, tasks_at_once=3)
    books.fail(first)
    refused(books, TooManyTasksError, credits_=1, tasks_at_once=2)
    books.create(1, tasks_at_once=3)


def test_expired_and_canceled_tasks_are_not_open_and_late_results_are(books: Books) -> None:
    task = expired(books)
    assert books.account().open_tasks == 0
    finished = Finished("success", (Source(RESULT_URL),), credits=8)
    task = books.move(
        task,
        lambda current: moves.report_finished(
            current,
            finished,
            upstream_task_id=UPSTREAM_ID,
            by=CompletedBy.WEBHOOK,
            happened=Happened.WEBHOOK_ACCEPTED,
            now=NOW,
        ),
    )
    assert books.account().open_tasks == 1
    books.move(task, lambda current: moves.settle(current, (), NOW))
    assert books.account().open_tasks == 0


def test_a_repeated_request_is_answered_whatever_the_balance(books: Books) -> None:
    books.give(10)
    key = IdempotencyKey("alice", "key-1", "same", NOW + seconds(DAY))
    one, two = (
        make_task(task_id=f"task_{n}", reservation=Reservation(Decimal(10), DAY)) for n in (1, 2)
    )
    books.tasks.create(one, (), key)
    assert books.tasks.create(two, (), key) == Existing("task_1", same_request=True)
    with pytest.raises(InsufficientCreditsError):
        books.tasks.create(two, (), replace(key, key="key-2"))
    assert figures(books.account()) == (0, 10, 0, 0, 1)


# --- accounts -------------------------------------------------------------------------------------


def test_a_new_owner_starts_with_what_new_owners_get(make_books: Callable[..., Books]) -> None:
    books = make_books(Decimal(25))
    assert figures(books.account()) == (25, 0, 0, 0, 0)
    assert books.rows() == []
    books.create(10)
    books.create(10)
    refused(books, InsufficientCreditsError, credits_=10)
    assert books.told() == [
        ("start", "outside>balance", 25),
        ("reserve", "balance>reserved", 10),
        ("reserve", "balance>reserved", 10),
    ]


def test_new_owners_may_start_with_nothing(make_books: Callable[..., Books]) -> None:
    books = make_books(Decimal(0))
    refused(books, InsufficientCreditsError, credits_=1)
    books.give(1)
    books.create(1)


def test_a_change_is_made_once_under_one_key(books: Books) -> None:
    key = IdempotencyKey("root", "\tgrant 1", "same", NOW + seconds(DAY))

    def give(key: IdempotencyKey, now: datetime = NOW) -> bool:
        return books.accounts.change(
            "alice", lambda account: grant(account, Decimal(5), "", now), now, key
        ).replayed

    assert [give(key), give(key), give(replace(key, key="other"))] == [False, True, False]
    with pytest.raises(IdempotencyMismatchError):
        give(replace(key, fingerprint="other"))
    assert books.account().balance == 10
    assert not give(replace(key, fingerprint="new"), key.forget_at + seconds(1))


def test_a_balance_is_corrected_up_and_down_but_never_below_zero(books: Books) -> None:
    books.give(10)

    def correct(by: int) -> None:
        books.accounts.change(
            "alice", lambda account: adjust(account, Decimal(by), "why", NOW), NOW
        )

    correct(-4)
    correct(1)
    with pytest.raises(InvalidRequestError) as caught:
        correct(-8)
    assert [fault.pointer for fault in caught.value.faults] == ["/credits"]
    assert books.account().balance == 7
    assert [row.note for row in books.rows()] == ["a gift", "why", "why"]


def test_a_ledger_is_read_newest_first_page_by_page(books: Books) -> None:
    for number in range(1, 8):
        books.give(number)
    pages: list[list[float]] = []
    balances: list[float] = []
    before: Below | None = None
    while True:
        rows, before = books.accounts.ledger("alice", limit=3, before=before)
        pages.append([float(row.credits) for row in rows])
        balances += [float(row.balance_after) for row in rows]
        if before is None:
            break
    assert pages == [[7, 6, 5], [4, 3, 2], [1]]
    assert balances == [28, 21, 15, 10, 6, 3, 1]
    assert books.accounts.ledger("alice", limit=7, before=None)[1] is None
    assert books.accounts.ledger("bob", limit=3, before=None) == ([], None)


def test_owners_do_not_see_one_anothers_rows(books: Books) -> None:
    books.give(1, "alice")
    books.give(2, "alice2")
    assert [len(books.rows(owner)) for owner in ("alice", "alice2", "ali")] == [1, 1, 0]


def test_every_number_is_the_sum_of_its_rows(books: Books) -> None:
    books.give(30)
    books.finish(books.create(10), 12)
    books.fail(books.create(10))
    books.finish(books.create(10), 25)
    books.create(0)
    account, purses = books.account(), sums(books.rows())
    assert purses[Purse.BALANCE] == account.balance
    assert purses[Purse.RESERVED] == account.reserved
    assert purses[Purse.SPENT] == account.spent
    assert purses[Purse.OWED] == -account.owed
    assert sum(purses.values()) == 0
    assert len(books.rows()) == account.rows


# --- the tables alone -----------------------------------------------------------------------------


def books_at(client: Any, table_name: str) -> Books:
    """The books as one process sees them."""
    accounts = AccountTable(client, table_name, pause=lambda _: None)
    return Books(TaskTable(client, table_name, accounts, pause=lambda _: None), accounts)


def test_what_a_process_remembers_does_not_let_anybody_overspend(
    dynamodb: "DynamoDBClient", table_name: str
) -> None:
    one, two = (books_at(dynamodb, table_name) for _ in range(2))
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
def test_eight_at_once_leave_the_books_right(
    dynamodb: "DynamoDBClient", table_name: str, given: float | None
) -> None:
    client = OneAtATime(dynamodb)
    one = books_at(client, table_name)
    if given is not None:
        one.give(given)

    def live(number: int) -> bool:
        books = books_at(client, table_name)
        books.number = number * 100
        try:
            tasks = [books.create(5) for _ in range(2)]
        except InsufficientCreditsError:
            return False
        books.finish(tasks[0], 4)
        books.fail(tasks[1])
        return True

    with ThreadPoolExecutor(8) as threads:
        lives = list(threads.map(live, range(1, 9)))
    account, purses = one.account(), sums(one.rows())
    assert purses[Purse.RESERVED] == account.reserved == account.open_tasks * 5
    assert purses[Purse.SPENT] == account.spent
    assert purses[Purse.BALANCE] == account.balance >= 0
    assert len(one.rows()) == account.rows
    if given != 50:
        assert lives == [True] * 8
        assert account.reserved == 0
        assert account.spent == 32
