"""Waits, and the time that a request has in all."""

import pytest

from tests.functional.world import World


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
