"""Waits, and the time that a request has in all."""

from typing import Any

import httpx
import pytest

from kie_gateway.web.tasks import import_routes
from tests.functional.story import Story
from tests.functional.world import MODEL, World


@pytest.mark.parametrize(("wait", "seconds"), [("", 25), ("3", 3), ('"3"', 3)])
def test_a_wait_in_the_query_may_be_bare_or_quoted(world: World, wait: str, seconds: int) -> None:
    task = world.create("a kite [slow 60]")
    began = world.agenda.time()
    answer = world.http.get(f"/v1/tasks/{task.task_id}", params={"wait": wait})
    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    assert world.agenda.time() - began == seconds


@pytest.mark.parametrize("wait", ["26", "-1", "soon", '"1'])
def test_a_wait_that_cannot_be_read_is_named(world: World, wait: str) -> None:
    answer = world.http.get("/v1/tasks/task_x", params={"wait": wait})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/wait")


# --- one deadline for all that a request does ---------------------------------------------------

# What API Gateway and the function leave a request.
LONGEST = 29
DATA = "data:image/png;base64,iVBORw0KGgo="


def took(world: World, method: str, path: str, **more: Any) -> tuple[httpx.Response, float]:
    """Send a request; with the seconds that it took by the world's clock."""
    began = world.agenda.time()
    answer = world.http.request(method, path, **more)
    seconds = world.agenda.time() - began
    world.settle_down()
    return answer, seconds


def post(world: World, prompt: str, *images: str) -> tuple[httpx.Response, float]:
    body: dict[str, Any] = {"model": MODEL, "input": {"prompt": prompt}}
    if images:
        body = {"model": f"{MODEL}-edit", "input": {"prompt": prompt, "image_urls": images}}
    return took(world, "POST", "/v1/tasks", json=body, headers={"Prefer": "wait=25"})


@pytest.mark.parametrize("slow", [0, 3, 6, 12, 18])
def test_a_wait_after_a_slow_creation_ends_with_the_task_in_hand(world: World, slow: int) -> None:
    answer, seconds = post(world, f"a kite [create slow {slow}] [slow 60]")
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert min(25, LONGEST - 2) <= seconds < LONGEST
    assert answer.headers["location"].endswith(answer.json()["id"])


def test_a_creation_that_nothing_is_heard_of_is_answered_with_its_task(world: World) -> None:
    answer, seconds = post(world, "a kite [create slow 60]")
    assert (answer.status_code, answer.json()["attention"]) == (202, "submission_unknown")
    assert seconds < LONGEST


@pytest.mark.parametrize("slow", [3, 8, 9.9, 30])
def test_a_slow_refresh_is_answered_in_time(world: World, slow: float) -> None:
    task = world.create(f"a kite [poll slow {slow}] [slow 600]")
    answer, seconds = took(
        world, "POST", f"/v1/tasks/{task.task_id}/refresh", headers={"Prefer": "wait"}
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    assert seconds < LONGEST


def test_a_refresh_is_answered_in_time_if_it_sends_the_creation(world: World) -> None:
    task = world.create("a kite [create 455] [create slow 12]")
    answer, seconds = took(
        world, "POST", f"/v1/tasks/{task.task_id}/refresh", headers={"Prefer": "wait"}
    )
    assert answer.json()["id"] == task.task_id
    assert seconds < LONGEST


@pytest.mark.parametrize("each", [1, 4, 9, 15])
def test_inputs_that_take_too_long_are_brought_to_kie_by_the_watch(
    world: World, each: float
) -> None:
    # For the watch they take no time: it works while we wait, and the world has one clock.
    world.functions.lines["ApiFunction"].delays["file-base64-upload"] = each
    answer, seconds = post(world, "a kite", *[DATA] * 6)
    assert (answer.status_code, answer.json()["attention"]) == (202, None)
    assert seconds < LONGEST
    world.run()
    task = world.newest_task()
    assert task.end() == ("succeeded", "webhook", None)
    assert task.accepted_creations() == 1
    sender = "ApiFunction" if each == 1 else "WatchFunction"
    assert (sender, "createTask") in world.functions.calls.kie


def forget(world: World, task: Story) -> None:
    """Make as if somebody else had created a task."""
    world.dynamodb.delete_item(**world.record_key(task))


def running(world: World) -> set[str]:
    """Name the executions that run."""
    machine = world.cloud.resources["WatchTask"]
    pages = world.sfn.get_paginator("list_executions").paginate(
        stateMachineArn=machine, statusFilter="RUNNING"
    )
    return {one["name"] for page in pages for one in page["executions"]}


def test_items_of_an_import_that_were_not_reached_can_be_imported_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One after the other, since the world's clock is one for all threads.
    monkeypatch.setattr(import_routes, "_IMPORTS_AT_ONCE", 1)
    made = [world.create("a kite [slow 3000]") for _ in range(12)]
    ids = [task.read()["upstream"]["task_id"] for task in made]
    for task in made:
        forget(world, task)
    items = [{"upstream_task_id": one, "model": MODEL} for one in ids]
    world.functions.lines["ApiFunction"].delays["recordInfo"] = 3
    answer, seconds = took(world, "POST", "/v1/tasks/import", json={"items": items})
    assert (answer.status_code, seconds < LONGEST) == (207, True)
    results = answer.json()["data"]
    late = [one for one in results if one["status"] == 503]
    assert {one["status"] for one in results} == {201, 503}
    assert all(one["problem"]["retryable"] for one in late)
    world.functions.lines["ApiFunction"].delays.clear()
    again = world.http.post("/v1/tasks/import", json={"items": items}).json()["data"]
    assert [one["status"] for one in again] == [
        201 if one["status"] == 503 else 200 for one in results
    ]
    assert {one["task"]["id"] for one in again} <= running(world)


@pytest.mark.parametrize("function", ["StoreFunction", "WatchFunction"])
def test_copies_know_how_much_time_there_is(
    world: World, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    gateway, left = world.gateway(function), list[float]()
    open_ = gateway.store.files.open

    def look_and_open(url: str) -> Any:
        left.append(gateway.time_left())
        return open_(url)

    monkeypatch.setattr(gateway.store.files, "open", look_and_open)
    if function == "WatchFunction":
        monkeypatch.setattr(world.messages, "deliver", lambda: False)
    world.create("two kites [results 2]")
    world.run()
    assert len(left) == 2
    assert all(800 < one <= 900 for one in left)
