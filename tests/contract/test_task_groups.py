"""The record of tasks that belong together, of the real table and of its fake alike."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from kie_gateway.aws.account_table import AccountTable
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.credits.posting import grant
from kie_gateway.core.credits.reconciliation import LedgerSnapshot, differences
from kie_gateway.core.credits.reservation import Fate, Funds, Reservation
from kie_gateway.core.errors.caller_errors import InsufficientCreditsError, TooManyTasksError
from kie_gateway.core.groups.child import Child, ChildState, Start
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.moves import ending_moves, group_moves
from kie_gateway.core.moves.move import Move, NewRecord
from kie_gateway.core.ports.accounts import Accounts
from kie_gateway.core.ports.tasks import Existing
from kie_gateway.core.task import Status, Submission, Task
from kie_gateway.core.timeline import Entry, Happened
from tests.contract.one_at_a_time import OneAtATime
from tests.fakes import FakeAccounts, FakeTaskStore
from tests.makers import NOW, make_task, seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

THREADS = 8
PRICE = Decimal(4)
PARENT = f"task_{7:026d}"
FIRST, SECOND, BESIDE = (derived_task_id(PARENT, place) for place in range(3))
THIRD = derived_task_id(FIRST, 0)
ENTRY = Entry(Happened.CREATED, NOW, "created")


@dataclass(frozen=True)
class Records:
    """The record of tasks with the accounts that it writes to."""

    tasks: TaskTable | FakeTaskStore
    accounts: Accounts

    def figures(self) -> tuple[float, float, float, int]:
        """Tell balance, reserved, spent and open tasks."""
        one = self.accounts.account("alice", NOW)
        return float(one.balance), float(one.reserved), float(one.spent), one.open_tasks

    def differing(self) -> list[str]:
        entries, _ = self.accounts.ledger("alice", limit=100, before=None)
        ids = (PARENT, FIRST, SECOND, BESIDE, THIRD)
        ledger = LedgerSnapshot(
            {"alice": self.accounts.account("alice", NOW)},
            {"alice": entries},
            {task.task_id: task for task in self.tasks.get_many(ids)},
        )
        return [one.words for one in differences(ledger, NOW)]

    def created(self) -> Task:
        """Create the group."""
        made = self.tasks.create(parent(), (ENTRY,), None, beside=[beside()])
        assert isinstance(made, Task)
        return made

    def moved(self, task: Task, **changes: Any) -> Task:
        entry = Entry(Happened.STORED, NOW, "moved")
        return self.tasks.move(task, lambda one: Move(replace(one, **changes), (entry,))).task

    def succeeded(self) -> Task:
        """Create the group, and let the parent succeed."""
        task = self.created()
        assert task.reservation is not None
        paid = task.reservation.charge(None)
        changes = {"reservation": paid, "completed_at": NOW, "release_at": None}
        return self.moved(task, status=Status.SUCCEEDED, **changes)


@pytest.fixture(params=["table", "fake"])
def records(request: pytest.FixtureRequest) -> Records:
    if request.param == "fake":
        accounts = FakeAccounts()
        return Records(FakeTaskStore(accounts=accounts), accounts)
    dynamodb: DynamoDBClient = request.getfixturevalue("dynamodb")
    name: str = request.getfixturevalue("table_name")
    client: Any = OneAtATime(dynamodb)
    real = AccountTable(client, name, pause=no_pause)
    return Records(TaskTable(client, name, real, pause=no_pause), real)


def no_pause(_: float) -> None:
    pass


def planned(task_id: str, *children: Child, **changes: Any) -> Child:
    made = Child(task_id, task_id, Start.THEN, True, ChildState.PLANNED, PRICE, children)
    return replace(made, **changes)


def parent(**changes: Any) -> Task:
    """Two are to follow, one of them with another; one begins at once."""
    third = planned(THIRD)
    children = (
        planned(FIRST, third),
        planned(SECOND),
        planned(BESIDE, starts=Start.WITH, state=ChildState.CREATED, credits=Decimal(0)),
    )
    fields = {"task_id": PARENT, "children": children, "reservation": Reservation(PRICE, 60)}
    return make_task(**{**fields, **changes})


def record(task_id: str, **changes: Any) -> NewRecord:
    fields = {"task_id": task_id, "reservation": Reservation(PRICE, 60), "parent_id": PARENT}
    queued = {"submission": Submission.WAITING, "submission_attempts": 0, "sending_at": None}
    return NewRecord(make_task(**{**fields, **queued, **changes}), (ENTRY,))


def beside() -> NewRecord:
    return record(BESIDE)


def key() -> IdempotencyKey:
    return IdempotencyKey("alice", "key-1", "same", forget_at=NOW + timedelta(hours=25))


# --- reading several ----------------------------------------------------------------------------


def test_several_are_read_in_the_order_asked_for(records: Records) -> None:
    numbered = [make_task(task_id=f"task_{number:026d}") for number in range(3)]
    for task in numbered:
        records.tasks.create(task, (), None)
    ids = [numbered[2].task_id, "task_none", numbered[0].task_id]
    assert records.tasks.get_many(ids) == [numbered[2], numbered[0]]
    assert records.tasks.get_many([]) == []


def test_more_are_read_than_one_call_takes(records: Records) -> None:
    ids = [f"task_{number:026d}" for number in range(205)]
    for number in (0, 99, 100, 204):
        records.tasks.create(make_task(task_id=ids[number]), (), None)
    found = records.tasks.get_many(ids)
    assert [task.task_id for task in found] == [ids[number] for number in (0, 99, 100, 204)]


# --- created together, taken back together ------------------------------------------------------


def test_a_group_is_created_as_one(records: Records) -> None:
    records.accounts.change("alice", lambda one: grant(one, Decimal(30), "", NOW), NOW)
    task = records.tasks.create(parent(), (ENTRY,), key(), tasks_at_once=5, beside=[beside()])
    assert records.tasks.get_many([PARENT, BESIDE]) == [
        replace(parent(), reservation=Reservation(PRICE, 60, Funds.BALANCE)),
        replace(beside().task, reservation=Reservation(PRICE, 60, Funds.BALANCE)),
    ]
    assert task == records.tasks.get(PARENT)
    assert [records.tasks.entries(one) for one in (PARENT, BESIDE)] == [[ENTRY], [ENTRY]]
    assert records.figures() == (10, 20, 0, 5)
    assert records.differing() == []


def test_a_group_is_refused_as_one(records: Records) -> None:
    records.accounts.change("alice", lambda one: grant(one, Decimal(19), "", NOW), NOW)
    with pytest.raises(InsufficientCreditsError):
        records.tasks.create(parent(), (), key(), beside=[beside()])
    records.accounts.change("alice", lambda one: grant(one, Decimal(1), "", NOW), NOW)
    with pytest.raises(TooManyTasksError):
        records.tasks.create(parent(), (), key(), tasks_at_once=4, beside=[beside()])
    assert records.tasks.get_many([PARENT, BESIDE]) == []
    assert records.tasks.existing(key(), NOW) is None
    assert records.figures() == (20, 0, 0, 0)


def test_a_key_stands_for_the_first_group(records: Records) -> None:
    records.tasks.create(parent(), (), key(), beside=[beside()])
    again = records.tasks.create(
        make_task(reservation=Reservation(PRICE, 60)), (), key(), beside=[record(SECOND)]
    )
    assert again == Existing(PARENT, True)
    assert records.tasks.get(SECOND) is None
    assert records.figures()[1:] == (20, 0, 5)


def test_a_group_is_taken_back_as_one(records: Records) -> None:
    task = records.tasks.create(parent(), (ENTRY,), key(), beside=[beside()])
    assert isinstance(task, Task)
    records.tasks.forget(task, key(), [beside().task])
    assert records.tasks.get_many([PARENT, BESIDE]) == []
    assert records.tasks.entries(PARENT) == records.tasks.entries(BESIDE) == []
    assert records.tasks.existing(key(), NOW) is None
    assert records.figures()[1:] == (0, 0, 0)
    assert records.differing() == []


@pytest.mark.parametrize("moved", [PARENT, BESIDE])
def test_a_group_of_which_one_has_moved_stays(records: Records, moved: str) -> None:
    task = records.tasks.create(parent(), (ENTRY,), key(), beside=[beside()])
    assert isinstance(task, Task)
    one = records.tasks.get(moved)
    assert one is not None
    records.moved(one, polls=1)
    records.tasks.forget(task, key(), [beside().task])
    assert len(records.tasks.get_many([PARENT, BESIDE])) == 2
    assert records.tasks.existing(key(), NOW) == Existing(PARENT, True)
    assert records.figures()[1:] == (20, 0, 5)
    assert records.differing() == []


# --- moves that create --------------------------------------------------------------------------


def creating(*task_ids: str, **changes: Any) -> Any:
    made = {task_id: (record(task_id, **changes),) for task_id in task_ids}
    return lambda one: group_moves.create_children(one, made, set(), NOW + seconds(9))


def test_children_take_over_what_is_set_aside_for_them(records: Records) -> None:
    task = records.succeeded()
    assert records.figures()[1:] == (16, 4, 4)
    follows = record(FIRST, children=(planned(THIRD),))
    made = {FIRST: (follows,), SECOND: (record(SECOND),)}
    moved = records.tasks.move(
        task, lambda one: group_moves.create_children(one, made, set(), NOW + seconds(9))
    )
    assert moved.changed
    assert records.tasks.get(PARENT) == moved.task
    assert not moved.task.has_due_children
    assert [one.task_id for one in records.tasks.get_many([FIRST, SECOND])] == [FIRST, SECOND]
    assert records.tasks.entries(SECOND) == [ENTRY]
    assert records.tasks.to_sweep(NOW + timedelta(days=9)) == []
    assert records.figures()[1:] == (16, 4, 4)
    assert records.differing() == []


def test_a_child_that_cannot_be_created_gives_back_its_own_and_what_was_to_follow(
    records: Records,
) -> None:
    task = records.succeeded()
    unpaid = Reservation(Decimal(0), 60, fate=Fate.RELEASED)
    records.tasks.move(task, creating(FIRST, status=Status.FAILED, reservation=unpaid))
    assert records.figures()[1:] == (8, 4, 2)
    assert records.differing() == []


def test_what_is_not_needed_is_given_back(records: Records) -> None:
    task = records.succeeded()
    moved = records.tasks.move(
        task, lambda one: group_moves.create_children(one, {}, {FIRST, SECOND}, NOW)
    )
    states = [one.state for one in moved.task.children]
    assert states == [ChildState.UNNEEDED, ChildState.UNNEEDED, ChildState.CREATED]
    assert records.figures()[1:] == (4, 4, 1)
    assert records.differing() == []


def test_children_are_created_once_however_many_try(records: Records) -> None:
    task = records.succeeded()
    together = Barrier(THREADS)

    def create(_: int) -> bool:
        together.wait()
        return records.tasks.move(task, creating(FIRST, SECOND)).changed

    with ThreadPoolExecutor(THREADS) as threads:
        assert sum(threads.map(create, range(THREADS))) == 1
    assert records.figures()[3] == 3
    assert records.differing() == []


@pytest.mark.parametrize("how", ["skip", "delete"])
def test_whoever_skips_and_whoever_creates_agree(records: Records, how: str) -> None:
    task = records.succeeded()
    skips = {
        "skip": lambda one: group_moves.skip_children(one, "no more", NOW),
        "delete": lambda one: ending_moves.delete(one, NOW),
    }
    deciders: list[Any] = [creating(FIRST, SECOND), skips[how]] * (THREADS // 2)
    together = Barrier(THREADS)

    def move(decide: Any) -> None:
        together.wait()
        records.tasks.move(task, decide)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(move, deciders))
    found = records.tasks.get(PARENT)
    assert found is not None
    there = [one.task_id for one in records.tasks.get_many([FIRST, SECOND])]
    created = [one.task_id for one in found.children if one.state is ChildState.CREATED]
    assert created == [*there, BESIDE]
    assert len(there) in (0, 2)
    assert records.differing() == []


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELED])
def test_nothing_stays_set_aside_for_children_of_a_task_that_came_to_nothing(
    records: Records, status: Status
) -> None:
    task = records.created()
    records.moved(task, status=status, completed_at=NOW)
    states = [one.state for one in records.moved(task, polls=7).children]
    assert states == [ChildState.SKIPPED, ChildState.SKIPPED, ChildState.CREATED]
    assert records.figures()[1:] == (8, 0, 1)
    assert records.differing() == []


def test_due_children_are_swept_until_they_are_there(records: Records) -> None:
    task = records.succeeded()
    later = NOW + timedelta(minutes=2)
    assert records.tasks.to_sweep(later - seconds(1)) == []
    assert records.tasks.to_sweep(later) == [PARENT]
    task = records.tasks.move(task, lambda one: group_moves.create_children_later(one, later)).task
    assert records.tasks.to_sweep(later) == []
    records.tasks.move(task, creating(FIRST))
    # One of two is not all.
    assert records.tasks.to_sweep(later + timedelta(days=1)) == [PARENT]
    found = records.tasks.get(PARENT)
    assert found is not None
    records.tasks.move(found, creating(SECOND))
    assert records.tasks.to_sweep(later + timedelta(days=1)) == []
