"""The index of the sweep holds tasks that nobody may care for, and only for as long."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.errors.backend_errors import RecordGoneError
from kie_gateway.core.moves import ending_moves, storing_moves, sweep_moves, verdict_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.results import Source
from kie_gateway.core.sweep import AFTER_DELETION, START_GRACE
from kie_gateway.core.task import CompletedBy, Status, Task
from kie_gateway.core.timeline import Happened
from tests.contract.one_at_a_time import OneAtATime
from tests.fakes import FakeTaskStore
from tests.makers import NOW, RESULT_URL, make_task, running_task, seconds

if TYPE_CHECKING:
    pass

LATER = NOW + seconds(4000)
MUCH_LATER = LATER + seconds(86400)


@pytest.fixture(params=["table", "fake"])
def store(request: pytest.FixtureRequest) -> Any:
    if request.param == "fake":
        return FakeTaskStore()
    client: Any = OneAtATime(request.getfixturevalue("dynamodb"))
    return TaskTable(client, request.getfixturevalue("table_name"), pause=lambda _: None)


def created(store: Any, task: Task) -> Task:
    made = store.create(task, (), None)
    assert isinstance(made, Task)
    return made


def late_success(task: Task) -> Move | None:
    return verdict_moves.report_finished(
        task,
        Finished("success", (Source(RESULT_URL),)),
        upstream_task_id=task.upstream_task_id,
        by=CompletedBy.WEBHOOK,
        happened=Happened.WEBHOOK_ACCEPTED,
        now=LATER,
    )


def test_a_task_on_its_usual_way_is_never_in_it(store: Any) -> None:
    task = created(store, running_task())
    task = store.move(task, late_success).task
    task = store.move(task, lambda one: storing_moves.acquire_storing_lease(one, LATER)).task
    assert store.to_sweep(MUCH_LATER) == []
    store.move(task, lambda one: storing_moves.settle(one, (), LATER))
    assert store.to_sweep(MUCH_LATER) == []


def test_a_late_success_is_in_it_from_its_very_move_until_it_is_stored(store: Any) -> None:
    task = created(store, running_task())
    task = store.move(task, lambda one: ending_moves.expire(one, LATER)).task
    assert store.to_sweep(MUCH_LATER) == []
    task = store.move(task, late_success).task
    assert task.watches == 2
    assert store.to_sweep(LATER + START_GRACE - seconds(1)) == []
    assert store.to_sweep(LATER + START_GRACE) == [task.task_id]
    task = store.move(task, lambda one: sweep_moves.look_later(one, LATER)).task
    assert store.to_sweep(LATER + START_GRACE) == []
    assert store.to_sweep(MUCH_LATER) == [task.task_id]
    store.move(task, lambda one: storing_moves.settle(one, (), LATER))
    assert store.to_sweep(MUCH_LATER) == []


def test_a_deleted_task_is_in_it_until_its_files_are_gone_for_good(store: Any) -> None:
    task = created(store, running_task(status=Status.SUCCEEDED))
    task = store.move(task, lambda one: ending_moves.delete(one, NOW)).task
    assert store.to_sweep(NOW + AFTER_DELETION - seconds(1)) == []
    assert store.to_sweep(NOW + AFTER_DELETION) == [task.task_id]
    store.move(task, sweep_moves.cleaned)
    assert store.to_sweep(MUCH_LATER) == []


def test_the_longest_overdue_come_first(store: Any) -> None:
    for name, at in (("b", 2), ("c", 3), ("a", 1)):
        created(store, make_task(task_id=f"task_{name}", sweep_at=NOW + seconds(at)))
    assert store.to_sweep(NOW + seconds(2)) == ["task_a", "task_b"]


def test_a_task_that_was_taken_back_cannot_be_moved(store: TaskStore) -> None:
    task = created(store, make_task())
    store.forget(task, None)
    with pytest.raises(RecordGoneError):
        store.move(task, sweep_moves.vouch)


def test_a_task_that_somebody_is_told_of_cannot_be_taken_back(store: TaskStore) -> None:
    task = created(store, make_task())
    told = store.move(task, sweep_moves.vouch)
    assert (told.changed, told.task) == (True, replace(task, version=2))
    store.forget(task, None)
    assert store.get(task.task_id) == told.task
    assert not store.move(told.task, sweep_moves.vouch).changed
