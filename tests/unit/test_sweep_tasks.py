"""The sweep: what nobody follows is followed again, and one task in trouble stops no other."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.sweep import AFTER_DEADLINE, LOOK_AGAIN, START_GRACE
from kie_gateway.core.task import Attention, Status, Task
from kie_gateway.core.timeline import Happened
from kie_gateway.flows.watching.sweep_tasks import SweepTasks
from tests.fakes import Clock, FakeExecutions, FakeOutputStore, FakeQueue, FakeTaskStore
from tests.makers import NOW, TASK_ID, running_task, seconds, storing_task

DUE = NOW - seconds(1)
STORING = storing_task(sweep_at=DUE, watches=2)
RUNNING = running_task(sweep_at=DUE, watches=2)


@dataclass
class Scene:
    """Tasks that are due, and everybody who can do something for them."""

    tasks: list[Task]
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    queue: FakeQueue = field(default_factory=FakeQueue)
    files: FakeOutputStore = field(default_factory=FakeOutputStore)
    clock: Clock = field(default_factory=Clock)
    refreshed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = FakeTaskStore(*self.tasks)

    def sweep(self, has_time: Callable[[], bool] = lambda: True) -> int:
        return SweepTasks(
            sweeps=self.store,
            tasks=self.store,
            executions=self.executions,
            store_queue=self.queue,
            files=self.files,
            refresh=self.refresh,
            create_children=lambda task: task,
            now=self.clock.now,
        )(has_time)

    def refresh(self, task: Task) -> Task:
        self.refreshed.append(task.task_id)
        return task


@pytest.mark.parametrize("task", [STORING, RUNNING], ids=["storing", "running"])
def test_a_task_whose_execution_is_gone_gets_another_and_is_looked_at_soon(task: Task) -> None:
    scene = Scene([task])
    assert scene.sweep() == 1
    assert scene.executions.started == {(TASK_ID, 3): NOW}
    assert scene.queue.messages == [("store", TASK_ID)] * (task.status is Status.STORING)
    assert scene.store.the(task).sweep_at == NOW + START_GRACE
    assert scene.store.happened(task) == [Happened.WATCH_STARTED]
    assert scene.sweep() == 0


@pytest.mark.parametrize(
    ("task", "look_again_at"),
    [
        pytest.param(STORING, NOW + LOOK_AGAIN, id="storing"),
        pytest.param(RUNNING, RUNNING.deadline_at + AFTER_DEADLINE, id="running"),
    ],
)
def test_a_task_whose_execution_runs_is_left_to_it(task: Task, look_again_at: object) -> None:
    scene = Scene([task])
    scene.executions.start(TASK_ID, 2, NOW)
    assert scene.sweep() == 0
    assert list(scene.executions.started) == [(TASK_ID, 2)]
    after = scene.store.the(task)
    assert (after.sweep_at, after.watches) == (look_again_at, 2)
    assert (scene.queue.messages, scene.store.happened(task)) == ([], [])


def test_a_task_whose_copies_have_failed_often_is_followed_like_any() -> None:
    scene = Scene([replace(STORING, attention=Attention.STORAGE_FAILED)])
    assert (scene.sweep(), scene.sweep()) == (1, 0)
    assert list(scene.executions.started) == [(TASK_ID, 3)]


def test_a_task_past_its_deadline_expires_and_is_asked_about() -> None:
    late = replace(RUNNING, deadline_at=NOW - seconds(1800))
    scene = Scene([late])
    assert (scene.sweep(), scene.sweep()) == (1, 0)
    assert scene.store.the(late).status is Status.EXPIRED
    assert scene.refreshed == [TASK_ID]


def test_a_watch_that_cannot_be_started_is_started_at_a_later_strike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene([STORING], executions=FakeExecutions())
    monkeypatch.setattr(scene.executions, "start", failing(scene.executions.start))
    assert scene.sweep() == 0
    scene.clock.advance(600)
    assert scene.sweep() == 1
    assert list(scene.executions.started) == [(TASK_ID, 4)]


def failing(start: Callable[..., None]) -> Callable[..., None]:
    """Let the first start fail."""
    left = [BackendUnavailableError("Step Functions: down")]

    def started(*arguments: object) -> None:
        if left:
            raise left.pop()
        start(*arguments)

    return started


def test_a_record_that_cannot_be_read_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks = [replace(STORING, task_id=f"task_{n}") for n in range(3)]
    scene = Scene(tasks)
    get = scene.store.get

    def unreadable(task_id: str) -> Task | None:
        if task_id == "task_0":
            raise ValueError("not what this version writes")
        return get(task_id)

    monkeypatch.setattr(scene.store, "get", unreadable)
    assert scene.sweep() == 2


def test_whoever_kills_the_function_is_not_the_first_at_the_next_strike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock is set to later before anything is done, so the others are not kept waiting."""
    tasks = [replace(STORING, task_id=f"task_{n}", sweep_at=DUE + seconds(n / 9)) for n in range(3)]
    scene = Scene(tasks)
    start = scene.executions.start

    def killed(task_id: str, *more: Any) -> None:
        if task_id == "task_0":
            raise KeyboardInterrupt
        start(task_id, *more)

    monkeypatch.setattr(scene.executions, "start", killed)
    with pytest.raises(KeyboardInterrupt):
        scene.sweep()
    assert scene.sweep() == 2


def test_what_there_is_no_time_for_is_left_for_the_next_strike() -> None:
    tasks = [replace(STORING, task_id=f"task_{n}") for n in range(5)]
    scene, left = Scene(tasks), [True, True, False]
    assert scene.sweep(lambda: left.pop(0)) == 2
    assert scene.sweep() == 3


def test_files_and_events_of_a_deleted_task_are_removed_until_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deleted = running_task(
        status=Status.CANCELED, owner="deleted#alice", deleted_at=NOW, sweep_at=DUE
    )
    scene = Scene([deleted])
    scene.store.events[TASK_ID] = {"evt_1": "{}"}
    monkeypatch.setattr(scene.files, "delete_folder", troubled(scene.files.delete_folder))
    assert scene.sweep() == 0
    scene.clock.advance(600)
    assert (scene.sweep(), scene.store.the(deleted).sweep_at) == (1, None)
    assert scene.store.events == {}


def troubled(delete_folder: Callable[[str], None]) -> Callable[[str], None]:
    """Let the first removal fail."""
    left = [StorageError("S3: down")]

    def removed(prefix: str) -> None:
        if left:
            raise left.pop()
        delete_folder(prefix)

    return removed
