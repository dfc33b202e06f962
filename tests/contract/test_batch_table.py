"""The record of batches: what flows rely on, of the real table and of its fake alike."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from kie_gateway.aws.account_table import AccountTable
from kie_gateway.aws.batch_table import BatchTable
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.credits.posting import grant
from kie_gateway.core.credits.reservation import Funds
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.caller_errors import InsufficientCreditsError, TooManyTasksError
from kie_gateway.core.groups.batch import (
    Batch,
    BatchStatus,
    swept,
    swept_later,
)
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.moves.move import Move
from kie_gateway.core.ports.batches import BatchMove, DecideBatch, ExistingBatch
from kie_gateway.core.ports.tasks import Existing
from kie_gateway.core.task import Status
from kie_gateway.core.timeline import Entry, Happened
from tests.contract.batch_records import PRICE, Records, canceling, creating, ends, key, make_batch
from tests.contract.one_at_a_time import OneAtATime
from tests.fake_batches import FakeBatches
from tests.fakes import FakeAccounts, FakeTaskStore
from tests.makers import NOW, make_task, seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

THREADS = 8


@pytest.fixture(params=["table", "fake"])
def records(request: pytest.FixtureRequest) -> Records:
    if request.param == "fake":
        accounts = FakeAccounts()
        tasks = FakeTaskStore(accounts=accounts)
        return Records(FakeBatches(tasks), tasks, accounts)
    dynamodb: DynamoDBClient = request.getfixturevalue("dynamodb")
    name: str = request.getfixturevalue("table_name")
    client: Any = OneAtATime(dynamodb)
    real = AccountTable(client, name, pause=no_pause)
    table = BatchTable(client, name, real, pause=no_pause)
    return Records(table, TaskTable(client, name, real, pause=no_pause), real)


def no_pause(_: float) -> None:
    pass


# --- create and read ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "batch",
    [
        make_batch(sweep_at=None),
        make_batch(
            created=1,
            canceled_at=NOW + seconds(1),
            release_after_seconds=7,
            planned_credits=Decimal("0.5"),
        ),
    ],
    ids=["few fields", "every field"],
)
def test_a_batch_is_read_as_it_was_written(records: Records, batch: Batch) -> None:
    assert records.made(batch) == batch
    assert records.batches.get("alice", batch.batch_id) == batch
    assert records.batches.get("bob", batch.batch_id) is None
    assert records.batches.get("alice", "batch_other") is None


def test_all_of_it_is_set_aside_from_the_balance_that_pays(records: Records) -> None:
    records.accounts.change("alice", lambda one: grant(one, Decimal(20), "", NOW), NOW)
    batch = records.made(make_batch(), at_once=3)
    assert records.figures() == (8, 12, 0, 3)
    assert batch.funds is Funds.BALANCE
    assert records.found(batch).funds is Funds.BALANCE
    assert records.differing(batch) == []


def test_what_is_not_there_for_all_is_refused_and_its_key_is_free(records: Records) -> None:
    records.accounts.change("alice", lambda one: grant(one, Decimal(11), "", NOW), NOW)
    with pytest.raises(InsufficientCreditsError):
        records.made(make_batch(), key=key())
    with pytest.raises(TooManyTasksError):
        records.made(make_batch(planned_credits=PRICE), key=key(), at_once=2)
    assert records.batches.existing(key(), NOW) is None
    assert records.batches.get("alice", make_batch().batch_id) is None
    assert records.figures() == (11, 0, 0, 0)


def test_a_key_stands_for_the_first_request(records: Records) -> None:
    first = records.made(make_batch(1), key=key())
    again = records.batches.create(make_batch(2), key(), tasks_at_once=0)
    assert again == ExistingBatch(first.batch_id, True)
    other = records.batches.create(make_batch(2), key("other"), tasks_at_once=0)
    assert other == ExistingBatch(first.batch_id, False)
    assert records.batches.get("alice", make_batch(2).batch_id) is None
    assert records.figures()[1:] == (12, 0, 3)
    later = NOW + timedelta(hours=25, seconds=1)
    assert records.batches.existing(key(), later) is None


def test_what_exists_is_answered_whatever_the_balance(records: Records) -> None:
    records.accounts.change("alice", lambda one: grant(one, Decimal(12), "", NOW), NOW)
    first = records.made(make_batch(1), key=key())
    again = records.batches.create(make_batch(2), key(), tasks_at_once=1)
    assert again == ExistingBatch(first.batch_id, True)


def test_a_key_of_a_task_stands_for_no_batch_and_the_other_way_round(records: Records) -> None:
    records.tasks.create(make_task(), (), key())
    assert records.batches.existing(key(), NOW) == ExistingBatch("", True)
    answer = records.batches.create(make_batch(), key(), tasks_at_once=0)
    assert answer == ExistingBatch("", True)
    own = replace(key(), key="key-2")
    records.made(make_batch(2), key=own)
    assert records.tasks.existing(own, NOW) == Existing("", True)


def test_one_key_makes_one_batch_however_many_ask(records: Records) -> None:
    together = Barrier(THREADS)

    def create(number: int) -> Batch | ExistingBatch:
        together.wait()
        return records.batches.create(make_batch(number), key(), tasks_at_once=0)

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(create, range(THREADS)))
    [made] = [answer for answer in answers if isinstance(answer, Batch)]
    others = [answer for answer in answers if isinstance(answer, ExistingBatch)]
    assert others == [ExistingBatch(made.batch_id, True)] * (THREADS - 1)
    assert records.figures()[1:] == (12, 0, 3)


def test_batches_are_listed_newest_first(records: Records) -> None:
    for number in range(5):
        records.made(make_batch(number))
    records.made(make_batch(9, owner="bob"))
    seen, after = list[str](), None
    for _ in range(3):
        page, after = records.batches.list_batches("alice", limit=2, after=after)
        seen += [one.batch_id for one in page]
    assert after is None
    assert seen == [make_batch(number).batch_id for number in (4, 3, 2, 1, 0)]
    exact, more = records.batches.list_batches("alice", limit=5, after=None)
    assert (len(exact), more) == (5, None)


# --- its tasks ----------------------------------------------------------------------------------


def test_tasks_are_created_in_lots_and_take_over_what_is_set_aside(records: Records) -> None:
    batch = records.made(make_batch())
    batch, is_moved = records.batches.move(batch, creating(2), NOW)
    assert is_moved
    assert records.found(batch) == batch
    assert (batch.created, batch.planned_tasks, batch.planned_credits) == (2, 1, PRICE)
    assert batch.sweep_at is not None
    batch, is_moved = records.batches.move(batch, creating(2), NOW)
    assert (is_moved, records.found(batch)) == (True, batch)
    assert (batch.created, batch.planned_tasks, batch.planned_credits) == (3, 0, Decimal(0))
    assert (batch.is_whole, batch.sweep_at) == (True, None)
    assert records.batches.move(batch, creating(2), NOW) == (batch, False)
    assert len(records.tasks.get_many(batch.task_ids())) == 3
    assert [entry.message for entry in records.tasks.entries(batch.task_ids()[2])] == ["number 2"]
    assert records.figures()[1:] == (12, 0, 3)
    assert records.differing(batch) == []


def test_what_a_task_does_not_need_after_all_goes_back(records: Records) -> None:
    records.accounts.change("alice", lambda one: grant(one, Decimal(20), "", NOW), NOW)
    batch = records.made(make_batch())
    batch, _ = records.batches.move(batch, creating(3, [Status.FAILED]), NOW)
    assert records.found(batch).ended == {Status.FAILED: 1}
    assert records.figures() == (12, 8, 0, 2)
    assert records.differing(batch) == []


def test_a_batch_moves_on_from_where_it_stands(records: Records) -> None:
    stale = records.made(make_batch())
    records.batches.move(stale, creating(1), NOW)
    seen = list[int]()

    def decide(batch: Batch) -> BatchMove | None:
        seen.append(batch.created)
        return creating(1)(batch)

    moved, is_moved = records.batches.move(stale, decide, NOW)
    assert (moved.created, is_moved, seen) == (2, True, [0, 1])
    assert records.differing(moved) == []


def test_a_move_that_declines_changes_nothing(records: Records) -> None:
    batch = records.made(make_batch())
    assert records.batches.move(batch, lambda _: None, NOW) == (batch, False)
    assert records.found(batch) == batch


def test_a_move_that_changes_nothing_is_one_all_the_same(records: Records) -> None:
    """Two sweeps at the same moment set the clock to the same time."""
    batch = records.made(make_batch())

    def decide(current: Batch) -> BatchMove | None:
        later = swept_later(current, NOW)
        return BatchMove(later) if later is not None else None

    for _ in range(2):
        assert records.batches.move(records.found(batch), decide, NOW) == (batch, True)
    assert records.found(batch) == batch


# --- counting -----------------------------------------------------------------------------------


def test_tasks_are_counted_by_the_moves_that_end_them(records: Records) -> None:
    batch = records.made(make_batch())
    records.batches.move(batch, creating(3), NOW)
    ends(records, batch, 0, Status.RUNNING)
    assert records.found(batch).ended == {}
    ends(records, batch, 0, Status.SUCCEEDED, after=50)
    ends(records, batch, 1, Status.FAILED, after=60)
    batch = records.found(batch)
    assert batch.ended == {Status.SUCCEEDED: 1, Status.FAILED: 1}
    assert (batch.status, batch.completed_at) == (BatchStatus.RUNNING, None)
    ends(records, batch, 2, Status.EXPIRED, after=70)
    batch = records.found(batch)
    assert (batch.status, batch.completed_at) == (BatchStatus.PARTIAL, NOW + seconds(70))


def test_a_late_success_counts_once_and_as_what_it_is(records: Records) -> None:
    batch = records.made(make_batch(total=1, planned_tasks=1, planned_credits=PRICE))
    records.batches.move(batch, creating(1), NOW)
    ends(records, batch, 0, Status.EXPIRED)
    assert records.found(batch).status is BatchStatus.FAILED
    ends(records, batch, 0, Status.STORING, after=80)
    assert records.found(batch).ended == {}
    assert records.found(batch).completed_at is None
    ends(records, batch, 0, Status.SUCCEEDED, after=90)
    assert records.found(batch).ended == {Status.SUCCEEDED: 1}
    assert records.found(batch).completed_at == NOW + seconds(90)


def test_a_deleted_task_is_counted_where_it_belongs(records: Records) -> None:
    batch = records.made(make_batch())
    records.batches.move(batch, creating(3), NOW)
    task = records.tasks.get(derived_task_id(batch.batch_id, 0))
    assert task is not None
    entry = Entry(Happened.DELETED, NOW, "deleted")
    gone = replace(task, owner="deleted#alice", deleted_at=NOW, status=Status.CANCELED)
    records.tasks.move(task, lambda _: Move(gone, (entry,)))
    assert records.found(batch).ended == {Status.CANCELED: 1}


def test_counts_survive_whoever_moves_the_batch_meanwhile(records: Records) -> None:
    batch = records.made(make_batch())
    stale, _ = records.batches.move(batch, creating(2), NOW)
    ends(records, batch, 0, Status.SUCCEEDED, after=5)
    records.batches.move(stale, creating(1, [Status.FAILED], after=9), NOW)
    found = records.found(batch)
    assert found.ended == {Status.SUCCEEDED: 1, Status.FAILED: 1}
    assert found.changed_at == NOW + seconds(9)
    ends(records, batch, 1, Status.SUCCEEDED)
    assert records.found(batch).ended == {Status.SUCCEEDED: 2, Status.FAILED: 1}


def test_tasks_that_end_together_are_all_counted(records: Records) -> None:
    batch = records.made(
        make_batch(total=THREADS, planned_tasks=THREADS, planned_credits=THREADS * PRICE)
    )
    records.batches.move(batch, creating(THREADS), NOW)
    together = Barrier(THREADS)

    def end(place: int) -> None:
        together.wait()
        ends(records, batch, place, Status.SUCCEEDED)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(end, range(THREADS)))
    assert records.found(batch).ended == {Status.SUCCEEDED: THREADS}
    assert records.found(batch).status is BatchStatus.SUCCEEDED


# --- cancel -------------------------------------------------------------------------------------


def test_a_canceled_batch_creates_no_more_and_gives_back_the_rest(records: Records) -> None:
    records.accounts.change("alice", lambda one: grant(one, Decimal(12), "", NOW), NOW)
    batch = records.made(make_batch())
    stale, _ = records.batches.move(batch, creating(1), NOW)
    batch, is_moved = records.batches.move(stale, canceling(5), NOW)
    assert (is_moved, batch.status) == (True, BatchStatus.CANCELED)
    assert records.found(batch) == batch
    assert records.figures() == (8, 4, 0, 1)
    # Whoever was about to create some more finds it canceled, and so does who cancels it again.
    for decide in (creating(1), canceling(6)):
        assert records.batches.move(stale, decide, NOW) == (batch, False)
    assert records.differing(batch) == []


def test_a_batch_that_has_ended_is_not_canceled(records: Records) -> None:
    batch = records.made(make_batch())
    records.batches.move(batch, creating(3), NOW)
    for place in range(3):
        ends(records, batch, place, Status.SUCCEEDED)
    found = records.found(batch)
    assert records.batches.move(found, canceling(), NOW) == (found, False)


def test_a_canceled_batch_is_complete_once_it_is_canceled_and_its_tasks_have_ended(
    records: Records,
) -> None:
    batch = records.made(make_batch())
    records.batches.move(batch, creating(1), NOW)
    ends(records, batch, 0, Status.SUCCEEDED, after=5)
    batch, _ = records.batches.move(records.found(batch), canceling(60), NOW)
    assert records.found(batch).completed_at == NOW + seconds(60)


@pytest.mark.parametrize("first", [creating, canceling], ids=["created", "canceled"])
def test_creating_and_canceling_at_once_leave_one_truth(
    records: Records, first: Callable[[int], DecideBatch]
) -> None:
    batch = records.made(make_batch())
    deciders = [creating(1), canceling(1)] * (THREADS // 2)
    together = Barrier(THREADS)

    def move(decide: DecideBatch) -> bool:
        together.wait()
        try:
            return records.batches.move(batch, decide, NOW)[1]
        except BackendUnavailableError:
            return False

    if first is canceling:
        deciders.reverse()
    with ThreadPoolExecutor(THREADS) as threads:
        moved = list(threads.map(move, deciders))
    found = records.found(batch)
    assert sum(moved) == found.created + 1 - int(found.canceled_at is None)
    assert found.is_whole
    assert len(records.tasks.get_many(found.task_ids())) == found.created
    beyond = [derived_task_id(batch.batch_id, place) for place in range(found.created, 3)]
    assert records.tasks.get_many(beyond) == []
    assert records.figures()[1:] == (found.created * 4, 0, found.created)
    assert records.differing(batch) == []


# --- the sweep ----------------------------------------------------------------------------------


def test_what_is_due_is_found_the_longest_overdue_first(records: Records) -> None:
    for number, after in enumerate((30, 10, None, 999, 20)):
        at = None if after is None else NOW + seconds(after)
        records.made(make_batch(number, sweep_at=at))
    due = records.batches.batches_to_sweep(NOW + seconds(30))
    assert due == [("alice", make_batch(number).batch_id) for number in (1, 4, 0)]
    assert records.batches.batches_to_sweep(datetime(2020, 1, 1, tzinfo=UTC)) == []


def test_a_batch_that_is_swept_is_due_no_more(records: Records) -> None:
    batch = records.made(make_batch())
    now = NOW + seconds(120)

    def moved(after: Batch | None) -> None:
        assert after is not None
        records.batches.move(records.found(batch), lambda _: BatchMove(after), now)

    moved(swept_later(records.found(batch), now))
    assert records.batches.batches_to_sweep(now) == []
    assert records.batches.batches_to_sweep(now + seconds(120)) == [("alice", batch.batch_id)]
    moved(swept(records.found(batch)))
    assert records.batches.batches_to_sweep(now + timedelta(days=9)) == []
    assert records.found(batch) == replace(batch, sweep_at=None)
