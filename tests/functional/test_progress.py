"""Progress and the expected end, as callers see them, and what reading them costs."""

from datetime import datetime
from typing import Any

import httpx

from tests.functional.story import Story
from tests.functional.world import MODEL, World
from tests.makers import typical_seconds

TYPICAL = typical_seconds(MODEL)


def seen(world: World, task: Story, seconds: int, step: int) -> list[dict[str, Any]]:
    """Read a task again and again, for some seconds and then once it has ended."""
    reads = []
    for _ in range(0, seconds, step):
        reads.append(task.read())
        world.run_for(step)
    world.run()
    return [*reads, task.read()]


def expected_after(read: dict[str, Any]) -> float:
    expected, created = (datetime.fromisoformat(read[f"{n}_at"]) for n in ("expected", "created"))
    return (expected - created).total_seconds()


def test_a_task_gets_on_evenly_and_ends_whole(world: World) -> None:
    reads = seen(world, world.create(f"a kite [slow {TYPICAL}]"), 45, 9)
    assert [one["progress"] for one in reads] == [0, 0.15, 0.3, 0.45, 0.6, 1]
    assert {expected_after(one) for one in reads[:4]} == {TYPICAL}
    assert (reads[-1]["status"], reads[-1]["expected_at"]) == ("succeeded", None)


def test_a_task_that_takes_long_never_looks_done(world: World) -> None:
    reads = seen(world, world.create("a kite [slow 200]"), 180, 6)
    progress = [one["progress"] for one in reads]
    assert progress == sorted(progress)
    assert 0.8 < progress[-2] < 0.95
    ends = [expected_after(one) for one in reads[:-1]]
    assert ends == sorted(ends)
    assert all(end > 6 * number for number, end in enumerate(ends))


def test_another_model_takes_over_where_the_first_one_failed(world: World) -> None:
    fallback = [{"model": "google/imagen4"}]
    task = world.create(f"a kite [{MODEL}: fail] [slow 20]", fallback=fallback)
    reads = seen(world, task, 40, 4)
    assert (reads[-1]["status"], reads[-1]["model"]) == ("succeeded", "google/imagen4")
    # The second one is told of once it has come further than the first.
    assert [one["progress"] for one in reads] == [0, 0.05, 0.1, 0.2, 0.25, *[0.35] * 5, 1]
    assert [expected_after(one) for one in reads[:-1]] == [45] * 5 + [20 + 45] * 5


def test_what_was_learned_is_expected_of_later_tasks_only(world: World) -> None:
    early = world.create("a kite [slow 100]")
    for _ in range(20):
        world.create("a kite [slow 3]")
    world.run_for(10)
    world.functions.forget_times()
    late = world.create("a kite [slow 3]")
    assert expected_after(late.read()) == 3
    assert expected_after(early.read()) == TYPICAL


def test_who_polls_often_mostly_hears_that_nothing_is_new(world: World) -> None:
    task = world.create("a kite [slow 100]")
    tag, told = "", list[int]()
    for _ in range(40):
        answer = world.http.get(f"/v1/tasks/{task.task_id}", headers={"If-None-Match": tag})
        tag = answer.headers["etag"]
        told.append(answer.status_code)
        world.run_for(1)
    assert set(told) == {200, 304}
    assert told.count(304) >= 0.6 * len(told)
    # Its bar moves every few seconds.
    assert "304" * 3 not in "".join(map(str, told))


def test_who_follows_retry_after_comes_a_few_times_and_soon_after_the_end(world: World) -> None:
    task = world.create(f"a kite [slow {TYPICAL}]")
    answers = [world.http.get(f"/v1/tasks/{task.task_id}")]
    while pause := answers[-1].headers.get("retry-after"):
        world.run_for(int(pause))
        answers.append(world.http.get(f"/v1/tasks/{task.task_id}"))
    assert answers[-1].json()["status"] == "succeeded"
    ended = datetime.fromisoformat(answers[-1].json()["completed_at"]).timestamp()
    assert len(answers) <= 5
    assert world.agenda.time() - ended < 5


# --- what it costs ------------------------------------------------------------------------------


def calls_of(world: World, task: Story, **query: Any) -> tuple[httpx.Response, list[str]]:
    """Read a task; with the calls of AWS that were made for it."""
    # Its key is known by then.
    world.http.get("/v1/models")
    world.functions.calls.clear()
    answer = world.http.get(f"/v1/tasks/{task.task_id}", params=query)
    return answer, [name for function, name in world.functions.calls.aws if "Api" in function]


def test_a_read_reads_the_record_and_nothing_else(world: World) -> None:
    task = world.create("a kite [slow 100]")
    world.functions.forget_times()
    answer, calls = calls_of(world, task)
    assert (answer.json()["status"], calls) == ("running", ["GetItem"])


def test_a_wait_far_from_the_end_looks_a_dozen_times(world: World) -> None:
    task = world.create("a kite [slow 100]")
    answer, calls = calls_of(world, task, wait=25)
    assert answer.json()["status"] == "running"
    # The record, its version each time, and nothing else.
    assert set(calls) == {"GetItem"}
    assert 10 <= len(calls) <= 14
