"""What happens is told: on the bus, and by webhooks that come through whatever goes wrong."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest

from dev.cloud import InvocationError
from tests.functional.faults import Trouble
from tests.functional.story import Story
from tests.functional.telling import (
    DEAD,
    LIFE,
    deliveries,
    new_endpoint,
    whole_world,  # noqa: F401 - a fixture
)
from tests.functional.test_groups import child
from tests.functional.test_unwatched import DAY, at_each_call
from tests.functional.world import World
from tests.receiver import Got, Receiver, Said

EVERY_TROUBLE = pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(
            one, id=one.name.lower(), marks=() if one is Trouble.ENDS_AFTER else pytest.mark.long
        )
        for one in Trouble
    ],
)


def types(got: list[Got]) -> list[str]:
    return [one.event["type"] for one in got]


def on_the_bus(world: World, task: Story) -> list[dict[str, Any]]:
    return [one for one in world.outgoing.on_the_bus() if one["data"]["id"] == task.task_id]


# --- what is told -------------------------------------------------------------------------------


def test_a_task_is_told_from_running_to_its_file(world: World, receiver: Receiver) -> None:
    task = world.create("a kite")
    world.run()
    told = on_the_bus(world, task)
    assert [one["type"] for one in told] == LIFE
    assert [one["id"].rpartition("_")[0] for one in told] == [f"evt_{task.task_id[5:]}"] * 3
    versions = [int(one["id"].rpartition("_")[2]) for one in told]
    assert versions == sorted(set(versions))
    assert {one["owner"] for one in told} == {"alice"}
    assert receiver.got == []


def test_the_last_event_shows_the_task_as_a_read_does(world: World, receiver: Receiver) -> None:
    task = world.create("a kite", metadata={"order": "7"})
    world.run()
    *_, last = on_the_bus(world, task)
    shown = task.read()
    for output in shown["outputs"]:
        output["url"] = None
    assert last["data"] == shown
    [output] = last["data"]["outputs"]
    assert httpx.get(output["permalink"], follow_redirects=True).status_code == 200


def test_late_success_is_a_recovery(world: World, receiver: Receiver) -> None:
    task = world.create("a kite [slow 100]", deadline_seconds=60)
    world.run()
    told = [one["type"] for one in on_the_bus(world, task)]
    assert told == ["task.running", "task.expired", "task.storing", "task.recovered"]


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("x [fail 501 broken]", ["task.running", "task.failed"]),
        ("x [create 422 model]", ["task.failed"]),
        ("x [create drop] [webhook lost]", ["task.attention", "task.expired"]),
    ],
)
def test_what_comes_to_nothing_is_told(
    world: World, receiver: Receiver, prompt: str, told: list[str]
) -> None:
    task = world.create(prompt, deadline_seconds=600)
    world.run()
    assert [one["type"] for one in on_the_bus(world, task)] == told


def test_a_cancel_is_told_and_a_deletion_is_not(world: World, receiver: Receiver) -> None:
    task = world.create("a kite [slow 100]")
    task.cancel()
    world.settle_down()
    world.http.delete(f"/v1/tasks/{task.task_id}")
    world.run()
    told = [one["type"] for one in on_the_bus(world, task)]
    assert told == ["task.running", "task.canceled"]


def test_a_batch_is_complete_once(world: World, receiver: Receiver) -> None:
    batch = world.http.post("/v1/batches", json={"item": child("a kite"), "count": 3}).json()
    world.run()
    told = [one for one in world.outgoing.on_the_bus() if one["type"] == "batch.completed"]
    assert [(one["id"], one["data"]["id"]) for one in told] == [
        (f"evt_{batch['id'].removeprefix('batch_')}_completed", batch["id"])
    ]
    assert told[0]["data"]["counts"] == {"succeeded": 3}


def test_low_credits_are_told_to_whoever_has_a_balance(
    world: World, receiver: Receiver, owner: Any
) -> None:
    owner.give(102)
    owner.create("a kite")
    world.run()
    told = [one for one in world.outgoing.on_the_bus() if one["type"] == "credits.low"]
    assert [(one["owner"], one["data"]["owner"]) for one in told] == [(owner.name, owner.name)]
    assert told[0]["data"]["balance"] < 100


# --- webhooks -----------------------------------------------------------------------------------


def test_an_endpoint_gets_every_event_signed(
    world: World, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    task = world.create("a kite")
    world.run()
    assert types(receiver.got) == LIFE
    assert all(one.is_signed_by(endpoint["secret"]) for one in receiver.got)
    assert [one.headers["webhook-id"] for one in receiver.got] == [
        one["id"] for one in on_the_bus(world, task)
    ]
    assert receiver.got[-1].event["data"]["id"] == task.task_id


def test_a_task_brings_a_webhook_of_its_own(world: World, receiver: Receiver) -> None:
    webhook = {"url": f"{receiver.url}/own", "events": ["task.succeeded", "task.failed"]}
    answer = world.http.post(
        "/v1/tasks", json={**child("a kite"), "webhook": webhook}
    ).raise_for_status()
    world.run()
    [got] = receiver.got
    assert (got.path, got.event["type"]) == ("/own", "task.succeeded")
    assert got.is_signed_by(answer.json()["webhook"]["secret"])


def test_nobody_is_told_of_what_they_did_not_ask_for(world: World, receiver: Receiver) -> None:
    made = new_endpoint(world, receiver, events=["task.failed"])
    world.create("a kite")
    world.run()
    assert receiver.got == []
    world.http.delete(f"/v1/webhook-endpoints/{made['id']}")


def test_another_owner_is_told_nothing(
    world: World, receiver: Receiver, endpoint: dict[str, Any], bob: httpx.Client
) -> None:
    bob.post("/v1/tasks", json=child("a kite")).raise_for_status()
    world.run()
    assert receiver.got == []


def test_what_fails_is_tried_by_the_schedule_and_in_its_order(
    world: World, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    """The later events of the task wait for the first, and other tasks do not."""
    left = [500, 302, 404, 503]

    def answer(_: str, event: dict[str, Any]) -> Said:
        return Said(left.pop(0) if event["data"]["metadata"] and left else 204)

    receiver.answer = answer
    first = world.create("a kite [slow 30]", metadata={"first": True})
    other = world.create("another [slow 30]")
    world.run()
    assert types(by_task(receiver, first.task_id)) == ["task.running"] * 4 + LIFE
    assert types(by_task(receiver, other.task_id)) == LIFE
    delivered = deliveries(world, endpoint)
    assert {one["status"] for one in delivered} == {"delivered"}
    [tried] = [one for one in delivered if len(one["attempts"]) > 1]
    assert [one["status"] for one in tried["attempts"]] == [500, 302, 404, 503, 204]


def by_task(receiver: Receiver, task_id: str) -> list[Got]:
    return [one for one in receiver.got if one.event["data"]["id"] == task_id]


def test_eight_tries_and_no_more(
    world: World, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    receiver.answer = lambda _, event: Said(500 if event["type"] == "task.running" else 204)
    world.create("a kite")
    world.run()
    assert types(receiver.got) == ["task.running"] * 8 + LIFE[1:]
    failed, *others = deliveries(world, endpoint)
    assert (failed["status"], len(failed["attempts"])) == ("failed", 8)
    assert {one["status"] for one in others} == {"delivered"}


def test_who_is_gone_is_asked_no_more_and_its_owner_is_told(
    world: World, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    receiver.answer = lambda _, __: Said(410)
    task = world.create("a kite")
    world.run()
    assert types(receiver.got) == ["task.running"]
    place = f"/v1/webhook-endpoints/{endpoint['id']}"
    shown = world.http.get(place).json()
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")
    told = [one for one in world.outgoing.on_the_bus() if one["type"] == "webhook.disabled"]
    assert [one["data"]["id"] for one in told] == [endpoint["id"]]
    assert {one["status"] for one in deliveries(world, endpoint)} == {"failed"}
    # Mended, it gets what it has missed.
    receiver.answer = lambda _, __: Said()
    world.http.patch(place, json={"status": "enabled"}).raise_for_status()
    recovery = world.http.post(f"{place}/recover", json={"since": task.read()["created_at"]})
    recovery.raise_for_status()
    world.run()
    # Also of its own end, which came while it was disabled.
    assert sorted(types(receiver.taken())) == sorted([*LIFE, "webhook.disabled"])


def test_a_dead_receiver_holds_nobody_up(
    world: World, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    """It is left alone after the first try, and what waits for it is not tried meanwhile."""
    place = f"http://{DEAD}/hook"
    dead = world.http.post("/v1/webhook-endpoints", json={"url": place}).json()
    tasks = [world.create("a kite [slow 5]").task_id for _ in range(5)]
    world.run_for(10)
    assert {task: types(by_task(receiver, task)) for task in tasks} == dict.fromkeys(tasks, LIFE)
    world.run_for(600)
    waiting = deliveries(world, dead)
    assert [one["status"] for one in waiting] == ["pending"] * len(tasks) * len(LIFE)
    # After 15 s, 30, 60, 120, 240 one of them finds out whether it is back.
    assert sum(len(one["attempts"]) for one in waiting) <= 1 + 6
    world.http.delete(f"/v1/webhook-endpoints/{dead['id']}").raise_for_status()


def test_an_old_secret_signs_for_a_day(
    world: World, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    rotated = world.http.post(f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret").json()
    world.create("a kite")
    world.run()
    for secret in (endpoint["secret"], rotated["secret"]):
        assert all(one.is_signed_by(secret) for one in receiver.got)
    receiver.got.clear()
    world.run_for(DAY + 1)
    world.create("a kite")
    world.run()
    assert all(one.is_signed_by(rotated["secret"]) for one in receiver.got)
    assert not any(one.is_signed_by(endpoint["secret"]) for one in receiver.got)


# --- what it costs, as docs/events.md counts it -------------------------------------------------


def calls_of(world: World, function: str) -> Counter[str]:
    """Count what a function asked for, but for the secret that it reads once."""
    calls = (name for one, name in world.functions.calls.aws if one == function)
    return Counter(name for name in calls if name != "GetSecretValue")


def test_an_event_costs_a_read_and_an_entry_of_the_bus(world: World, receiver: Receiver) -> None:
    world.functions.calls.clear()
    world.create("a kite")
    world.run()
    assert calls_of(world, "EventsFunction") == {"Query": 3, "PutEvents": 3}
    assert calls_of(world, "DeliverFunction") == {}


def test_a_delivery_costs_three_writes_five_reads_and_its_message(
    world: World, receiver: Receiver, endpoint: dict[str, Any]
) -> None:
    world.functions.calls.clear()
    task = world.create("a kite")
    world.run()
    assert calls_of(world, "EventsFunction") == {
        "Query": 3,
        "GetItem": 3,
        "PutItem": 6,
        "SendMessageBatch": 3,
        "PutEvents": 3,
    }
    assert calls_of(world, "DeliverFunction") == {"GetItem": 9, "UpdateItem": 3}
    items = [item.to_json()["Attributes"] for item in world._items()]
    bodies = [one for one in items if one["sk"]["S"].startswith(f"EVENT#{task.task_id[5:]}")]
    kept = [one for one in items if one["pk"]["S"].endswith(endpoint["id"])]
    assert (len(bodies), len(kept)) == (3, 3)
    assert max(size_of(item) for item in bodies) < 2048
    assert max(size_of(item) for item in kept) < 1024


def size_of(item: dict[str, Any]) -> int:
    """Return the bytes of an item: of its names and of its values."""
    return sum(len(name) + len(next(iter(value.values()))) for name, value in item.items())


# --- whoever dies -------------------------------------------------------------------------------


def assert_told(world: World, receiver: Receiver, task: Story) -> None:
    """Everything came, at least once, first in its order, and the bus has it as well."""
    on_bus = list(dict.fromkeys(one["id"] for one in on_the_bus(world, task)))
    came = list(dict.fromkeys(one.event["id"] for one in by_task(receiver, task.task_id)))
    assert came == on_bus
    assert len(came) == len(LIFE)


@EVERY_TROUBLE
@pytest.mark.parametrize("function", ["EventsFunction", "DeliverFunction"])
def test_no_event_is_lost_whoever_is_in_trouble(
    world: World,
    receiver: Receiver,
    endpoint: dict[str, Any],
    function: str,
    trouble: Trouble,
) -> None:
    for on in at_each_call(world, function, trouble):
        receiver.got.clear()
        world.outgoing.on_the_bus()
        task = world.create("a kite [slow 5]")
        with_trouble(world, on)
        world.run()
        assert_told(world, receiver, task)
    assert {one["status"] for one in deliveries(world, endpoint)} == {"delivered"}


@EVERY_TROUBLE
@pytest.mark.parametrize("asks_for", ["recover", "retry"])
def test_what_is_begun_again_is_delivered_whoever_is_in_trouble(
    world: World, receiver: Receiver, trouble: Trouble, asks_for: str
) -> None:
    """Between the write and the message it was lost: pending, and nobody worked on it."""
    made = new_endpoint(world, receiver, events=["task.running", "task.succeeded"])
    place = f"/v1/webhook-endpoints/{made['id']}"
    for on in at_each_call(world, "ApiFunction", trouble):
        receiver.answer = lambda _, __: Said(410)
        task = world.create("a kite")
        world.run()
        receiver.answer = lambda _, __: Said()
        receiver.got.clear()
        world.http.patch(place, json={"status": "enabled"}).raise_for_status()
        since = {"since": task.read()["created_at"]}
        failed = deliveries(world, made)[-2:]
        assert {one["status"] for one in failed} == {"failed"}
        path = (
            f"{place}/recover"
            if asks_for == "recover"
            else f"/v1/deliveries/{failed[0]['id']}/retry"
        )
        there = on()
        world.http.post(path, json=since if asks_for == "recover" else None)
        there.__exit__(None, None, None)
        world.run()
        world.run_for(3601)
        again = world.http.post(f"{place}/recover", json=since).raise_for_status()
        assert again.json()["has_more"] is False
        world.run()
        assert {one["status"] for one in deliveries(world, made)} == {"delivered"}
        assert set(types(by_task(receiver, task.task_id))) == {"task.running", "task.succeeded"}
    world.http.delete(place)


def with_trouble(world: World, on: Callable[[], Any]) -> None:
    there = on()
    with suppress(InvocationError):
        world.run_for(60)
    there.__exit__(None, None, None)
