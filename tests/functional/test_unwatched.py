"""
Whoever opens a task anew may die over it: from every call of AWS on, the task still ends.

Each story is told again and again, with trouble at the first call, at the second, and so on.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import httpx
import pytest

from dev.cloud import InvocationError
from tests.functional.faults import Fault, Trouble, fault
from tests.functional.story import Story
from tests.functional.world import MODEL, World

CLOCK = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
PRICE = 4.0
DAY = 86400
# Death after a write is what lost results; the other kinds take minutes.
EVERY_TROUBLE = pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(
            one, id=one.name.lower(), marks=() if one is Trouble.ENDS_AFTER else pytest.mark.long
        )
        for one in Trouble
    ],
)
ONCE_OR_MORE = pytest.mark.parametrize(
    "lasts",
    [
        pytest.param(False, id="repeated", marks=pytest.mark.long),
        pytest.param(True, id="not repeated"),
    ],
)


def strike(world: World, times: int = 3) -> None:
    """Run the sweep."""
    for _ in range(times):
        world.run_for(700)
        world.cloud.invoke("SweepFunction", CLOCK)
        world.settle_down()


def figures(world: World) -> tuple[float, float]:
    """Tell what the owner has spent, and what is reserved."""
    account = world.http.get("/v1/credits").raise_for_status().json()
    return account["spent"], account["reserved"]


def assert_settled_once(world: World, task: Story, before: tuple[float, float]) -> None:
    """The result is there, was paid once, and nobody follows the task any more."""
    told = task.told()
    assert task.read()["status"] == "succeeded", told
    assert len(task.stored_files()) == 1
    assert (figures(world)[0] - before[0], figures(world)[1]) == (PRICE, before[1]), told
    assert task.accepted_creations() == 1
    assert running(world, task) == [], told
    assert world.gateway("SweepFunction").tasks.get(task.task_id).is_swept is False


def running(world: World, task: Story) -> list[str]:
    listed = world.sfn.list_executions(
        stateMachineArn=world.cloud.stack.machines["WatchTask"], statusFilter="RUNNING"
    )
    return [one["name"] for one in listed["executions"] if task.task_id in one["name"]]


def at_each_call(
    world: World, function: str, trouble: Trouble, *, lasts: bool = False
) -> Iterator[Callable[[], Any]]:
    """Give a fault for each call that the function makes while the fault is on."""
    for number in count(1):
        struck: list[Fault] = []

        def on(number: int = number, struck: list[Fault] = struck) -> Any:
            context = fault(world, function, trouble, number, lasts=lasts)
            struck.append(context.__enter__())
            return context

        yield on
        if not struck[0].has_struck:
            assert number > 3, "hardly anything was called"
            return


def expired(world: World, prompt: str) -> Story:
    task = world.create(f"a kite {prompt}", deadline_seconds=60)
    world.run_for(70)
    assert task.end()[0] == "expired"
    return task


# --- a late success -----------------------------------------------------------------------------


@ONCE_OR_MORE
@EVERY_TROUBLE
def test_a_late_webhook_in_trouble_still_settles_the_task(
    world: World, trouble: Trouble, lasts: bool
) -> None:
    """Its function was killed after its write, and nobody ever looked at the task again."""
    for on in at_each_call(world, "CallbackFunction", trouble, lasts=lasts):
        before = figures(world)
        task = expired(world, "[slow 100]")
        trouble_there = on()
        world.run_for(100)
        trouble_there.__exit__(None, None, None)
        if task.read()["status"] == "expired":
            # Nothing was recorded at all, and Kie.ai did not tell it again.
            assert lasts or trouble is Trouble.NOT_MADE
            world.run_for(DAY + 100)
        strike(world)
        world.run()
        assert_settled_once(world, task, before)


@ONCE_OR_MORE
@EVERY_TROUBLE
def test_a_refresh_in_trouble_still_settles_the_task(
    world: World, trouble: Trouble, lasts: bool
) -> None:
    """A caller who got an error, and did not ask again, had lost what was paid for."""
    for on in at_each_call(world, "ApiFunction", trouble, lasts=lasts):
        before = figures(world)
        task = expired(world, "[slow 100] [webhook lost]")
        world.run_for(100)
        trouble_there = on()
        task.refresh()
        if not lasts:
            task.refresh()
        trouble_there.__exit__(None, None, None)
        if task.read()["status"] == "expired":
            assert lasts
            world.run_for(DAY + 100)
        strike(world)
        world.run()
        assert_settled_once(world, task, before)


@pytest.mark.long
@EVERY_TROUBLE
def test_a_last_question_in_trouble_still_settles_the_task(world: World, trouble: Trouble) -> None:
    """The clock's own function was killed in the middle of its work."""
    for on in at_each_call(world, "SweepFunction", trouble):
        before = figures(world)
        task = expired(world, "[slow 100] [webhook lost]")
        world.run_for(DAY + 100)
        trouble_there = on()
        with suppress(InvocationError):
            world.cloud.invoke("SweepFunction", CLOCK)
        world.settle_down()
        trouble_there.__exit__(None, None, None)
        world.run_for(4000)
        strike(world)
        world.run()
        assert_settled_once(world, task, before)


# --- an import ----------------------------------------------------------------------------------


def work_at_kie(world: World, prompt: str) -> str:
    body = {"model": MODEL, "input": {"prompt": prompt}}
    answer = httpx.post(
        f"{world.kie.base_url}/api/v1/jobs/createTask",
        json=body,
        headers={"Authorization": "Bearer test"},
    )
    task_id: str = answer.raise_for_status().json()["data"]["taskId"]
    return task_id


def imported(world: World, item: dict[str, Any]) -> httpx.Response:
    answer = world.http.post("/v1/tasks/import", json={"items": [item]})
    world.settle_down()
    return answer


@pytest.mark.parametrize(
    ("prompt", "again"),
    [
        pytest.param("a kite", False, id="done", marks=pytest.mark.long),
        pytest.param("a kite", True, id="done, and imported again"),
        pytest.param("a kite [slow 300]", False, id="running", marks=pytest.mark.long),
    ],
)
@EVERY_TROUBLE
def test_an_import_in_trouble_is_followed_all_the_same(
    world: World, trouble: Trouble, prompt: str, again: bool
) -> None:
    """Its function was killed before it started the watch, and importing again changed nothing."""
    for on in at_each_call(world, "ApiFunction", trouble):
        upstream_task_id = work_at_kie(world, prompt)
        world.run_for(10)
        item = {"model": MODEL, "upstream_task_id": upstream_task_id}
        trouble_there = on()
        imported(world, item)
        trouble_there.__exit__(None, None, None)
        found = world.gateway("ApiFunction").tasks.find_by_upstream(upstream_task_id)
        if again or not found:
            [result] = imported(world, item).json()["data"]
            assert result["status"] == (200 if found else 201)
            assert result["task"]["id"] == (found[0].task_id if found else result["task"]["id"])
        strike(world)
        world.run()
        [task] = world.gateway("ApiFunction").tasks.find_by_upstream(upstream_task_id)
        story = Story(world, task.task_id, task.created_at.timestamp())
        assert story.end()[:2] == ("succeeded", "import"), story.told()
        assert len(story.stored_files()) == 1
        assert running(world, story) == []


# --- an execution that ended otherwise ------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "stopped_at"),
    [
        pytest.param("a kite [webhook lost]", 10, id="while it waited"),
        pytest.param("a kite", 1, id="before the result came, and nobody asked for its copy"),
    ],
)
def test_a_task_whose_execution_was_stopped_is_found_by_the_clock_of_its_credits(
    world: World, monkeypatch: pytest.MonkeyPatch, prompt: str, stopped_at: float
) -> None:
    """An operator had stopped it; a full history or a deleted machine ends it the same way."""
    before = figures(world)
    task = world.create(prompt, deadline_seconds=600)
    world.run_for(stopped_at)
    world.sfn.stop_execution(executionArn=task.execution()["executionArn"], error="Operator")
    with monkeypatch.context() as patch:
        sqs = world.gateway("CallbackFunction").clients.sqs
        patch.setattr(sqs, "send_message", lambda **_: {})
        world.run()
    assert task.read()["status"] in ("running", "storing")
    world.run_for(600 + 1800)
    strike(world)
    world.run()
    assert_settled_once(world, task, before)
