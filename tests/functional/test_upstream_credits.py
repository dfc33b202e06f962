"""Kie.ai's account runs dry: no task fails of it, and nothing is sent until there are credits."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest

from kie_gateway.flows.submitting.submit_task import SubmitTask
from tests.functional.parts import parts_of
from tests.functional.story import Story
from tests.functional.world import MODEL, World
from tests.makers import typical_seconds

PRICE = 4.0
# A clip, for many times as much.
DEAR: dict[str, Any] = {
    "model": "veo3",
    "input": {"prompt": "a clip", "aspect_ratio": "16:9"},
}
CLOCK = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


@pytest.fixture(autouse=True)
def dry(world: World) -> None:
    fill(world, 0)


def fill(world: World, credits_: float) -> None:
    httpx.put(f"{world.kie.base_url}/sim/credits", json={"credits": credits_}).raise_for_status()


def tick(world: World) -> dict[str, Any]:
    answer: dict[str, Any] = world.cloud.invoke("SweepFunction", CLOCK)
    world.settle_down()
    return answer


def refresh(world: World, task: Story) -> dict[str, Any]:
    answer = world.http.post(f"/v1/tasks/{task.task_id}/refresh").raise_for_status()
    world.settle_down()
    body: dict[str, Any] = answer.json()
    return body


def reserved(world: World) -> float:
    credits_: float = world.http.get("/v1/credits").json()["reserved"]
    return credits_


def expected_after(task: Story) -> float:
    """Tell how long after its creation a task is expected to be sent, and then to take its time."""
    read = task.read()
    expected, created = (datetime.fromisoformat(read[f"{n}_at"]) for n in ("expected", "created"))
    return (expected - created).total_seconds() - typical_seconds(MODEL)


def test_one_refusal_holds_up_everybody_and_fails_nobody(world: World, bob: httpx.Client) -> None:
    first = world.create("a kite")
    second = world.create("another")
    body = {"model": MODEL, "input": {"prompt": "bob's"}}
    answer = bob.post("/v1/tasks", json=body)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert 3600 < int(answer.headers["retry-after"]) < 3610
    assert len(world.creations()) == 1
    assert first.read()["upstream"]["message"] == "Credits insufficient"
    assert [task.end()[0] for task in (first, second)] == ["queued", "queued"]
    assert 3600 <= expected_after(first) < expected_after(second) < 3610
    assert "out of credits" in second.timeline()[-1]["message"]


def test_kie_is_asked_again_by_the_hour(world: World) -> None:
    tasks = [world.create(f"kite {number}") for number in range(3)]
    world.run_for(3590)
    assert len(world.creations()) == 1
    world.run_for(60)
    # Whoever is first has tried, and the others go on waiting.
    assert len(world.creations()) == 2
    fill(world, 3 * PRICE)
    world.run_for(3600 + 60)
    assert [task.end()[0] for task in tasks] == ["succeeded"] * 3
    assert len(world.creations()) == 5
    assert tasks[0].told() == [
        "0 created submission_started submission_refused",
        "3600 submission_started submission_refused",
        "7200 submission_started submitted",
        "7201.5 webhook_accepted storing_started stored succeeded",
    ]
    world.run()
    assert [task.accepted_creations() for task in tasks] == [1] * 3


def test_a_refresh_lets_everybody_go_on(world: World, bob: httpx.Client) -> None:
    tasks = [world.create(f"kite {number}") for number in range(3)]
    body = {"model": MODEL, "input": {"prompt": "bob's"}}
    bobs = bob.post("/v1/tasks", json=body).json()["id"]
    world.run_for(600)
    fill(world, 100)
    assert refresh(world, tasks[2])["status"] == "running"
    world.run_for(10)
    assert [task.end()[0] for task in tasks] == ["succeeded"] * 3
    assert bob.get(f"/v1/tasks/{bobs}").json()["status"] == "succeeded"
    assert tasks[2].told()[:-1] == [
        "0 created submission_waiting",
        "600 submission_started submitted watch_started",
    ]
    # New ones are sent at once.
    assert world.create("the next").end()[0] == "running"
    world.run()
    # Nobody is watched twice, or asked about for having waited.
    assert world.functions.calls.kie.count(("WatchFunction", "recordInfo")) == 0
    assert len([one for one in world.creations() if one["accepted"]]) == 5


def test_a_refresh_too_early_changes_nothing(world: World) -> None:
    first, second = world.create("a kite"), world.create("another")
    world.run_for(60)
    assert refresh(world, second)["status"] == "queued"
    assert len(world.creations()) == 2
    fill(world, 100)
    world.run()
    assert [task.end()[0] for task in (first, second)] == ["succeeded"] * 2
    assert second.told()[:2] == [
        "0 created submission_waiting",
        "60 submission_started submission_refused",
    ]


def test_the_clock_sees_that_there_are_credits_again(world: World) -> None:
    tasks = [world.create(f"kite {number}") for number in range(3)]
    world.run_for(600)
    assert tick(world) == {
        "swept": 0,
        "batches": 0,
        "released": 0,
        "resumed": 0,
        "upstream_credits": 0,
    }
    fill(world, PRICE / 2)
    assert tick(world)["resumed"] == 0
    assert len(world.creations()) == 1
    fill(world, 3 * PRICE)
    assert tick(world)["resumed"] == 3
    assert tick(world)["resumed"] == 0
    world.run_for(10)
    assert [task.end()[0] for task in tasks] == ["succeeded"] * 3
    world.run()
    assert world.functions.calls.kie.count(("WatchFunction", "recordInfo")) == 0


def test_whoever_was_left_out_is_pulled_forward_by_the_clock(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [world.create(f"kite {number}") for number in range(4)]
    fill(world, 100)
    submit_now = world.gateway("ApiFunction").submit_now
    one_at_a_time = replace(submit_now.resume, most=1)
    monkeypatch.setitem(vars(submit_now), "resume", one_at_a_time)
    refresh(world, tasks[3])
    world.run_for(10)
    assert [task.end()[0] for task in tasks] == ["succeeded", "queued", "queued", "succeeded"]
    assert tick(world)["resumed"] == 2
    world.run_for(10)
    assert [task.end()[0] for task in tasks] == ["succeeded"] * 4


def test_a_task_that_waits_for_credits_can_be_canceled(world: World) -> None:
    before = reserved(world)
    first, second = world.create("a kite"), world.create("another")
    assert reserved(world) == before + 2 * PRICE
    for task in (first, second):
        assert world.http.post(f"/v1/tasks/{task.task_id}/cancel").status_code == 202
    assert reserved(world) == before
    fill(world, 100)
    world.run_for(3700)
    assert len(world.creations()) == 1
    # Nobody was there to find out, but whoever comes next does.
    assert world.create("the next").end()[0] == "running"


def test_a_deadline_ends_the_wait(world: World) -> None:
    before = reserved(world)
    task = world.create("a kite", deadline_seconds=600)
    world.run()
    assert task.end() == ("expired", None, "stalled")
    assert reserved(world) == before
    assert len(world.creations()) == 1


# --- words are one thing, the balance another ---------------------------------------------------


def test_words_of_one_refusal_hold_nobody_up_while_there_are_credits(
    world: World, bob: httpx.Client
) -> None:
    fill(world, 1000)
    task = world.create("a kite [create 402 x3]")
    assert task.end()[0] == "queued"
    body = {"model": MODEL, "input": {"prompt": "bob's"}}
    assert bob.post("/v1/tasks", json=body).json()["status"] == "running"
    assert world.create("another").end()[0] == "running"
    world.run()
    assert task.end()[0] == "succeeded"
    # After one minute, two, and four.
    assert [line.split()[0] for line in task.told()][:4] == ["0", "60", "180", "420"]
    assert task.accepted_creations() == 1


def test_a_cheap_task_goes_on_while_a_dear_one_waits(world: World) -> None:
    fill(world, PRICE * 1.5)
    dear = world.create("a clip", **DEAR)
    assert dear.end()[0] == "queued"
    cheap = world.create("a kite")
    assert cheap.end()[0] == "running"
    world.run_for(300)
    assert (dear.end()[0], cheap.end()[0]) == ("queued", "succeeded")
    assert len([one for one in world.creations() if not one["accepted"]]) == 1
    # What is left does for nobody now.
    assert world.create("another").end()[0] == "queued"
    assert tick(world)["resumed"] == 0
    fill(world, 1000)
    assert tick(world)["resumed"] == 2
    world.run_for(60)
    assert dear.end()[0] in ("running", "storing", "succeeded")
    assert len([one for one in world.creations() if one["accepted"]]) == 3


def test_dear_ones_that_were_refused_while_cheap_ones_wait_go_on_after_a_top_up(
    world: World,
) -> None:
    dear = [world.create(f"clip {number}", **DEAR) for number in range(3)]
    cheap = [world.create(f"kite {number}") for number in range(3)]
    world.run_for(60)
    fill(world, 4 * PRICE)
    assert tick(world)["resumed"] == 6
    world.run_for(60)
    assert [task.end()[0] for task in cheap] == ["succeeded"] * 3
    assert [task.end()[0] for task in dear] == ["queued"] * 3
    fill(world, 1000)
    assert tick(world)["resumed"] == 3
    world.run_for(60)
    assert "queued" not in [task.end()[0] for task in dear]
    world.run()
    assert [task.accepted_creations() for task in (*cheap, *dear)] == [1] * 6


def hide_balance(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody know the balance who submits."""
    for function in ("ApiFunction", "WatchFunction"):
        parts = parts_of(world.gateway(function))
        [submit] = (part for part in parts if isinstance(part, SubmitTask))
        monkeypatch.setitem(vars(submit), "balance", lambda: None)


def test_with_an_unknown_balance_each_finds_out_for_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_balance(world, monkeypatch)
    tasks = [world.create(f"kite {number}") for number in range(3)]
    assert [task.end()[0] for task in tasks] == ["queued"] * 3
    assert [expected_after(task) for task in tasks] == [60] * 3
    world.run_for(3600)
    # After 1, 2, 4, 8, 16 and 32 minutes, and not more often however many there are.
    assert len(world.creations()) == 3 * 6
    fill(world, 1000)
    assert tick(world)["resumed"] == 3
    world.run_for(60)
    assert [task.end()[0] for task in tasks] == ["succeeded"] * 3


def test_a_refresh_finds_out_for_one_and_so_for_all_who_wait_by_themselves(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_balance(world, monkeypatch)
    tasks = [world.create(f"kite {number}") for number in range(3)]
    world.run_for(1000)
    fill(world, 1000)
    assert refresh(world, tasks[2])["status"] == "running"
    world.run_for(30)
    assert [task.end()[0] for task in tasks] == ["succeeded"] * 3
