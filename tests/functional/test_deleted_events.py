"""Deleted is deleted: nothing of a task is left in what was told of it, or told any more."""

import zlib
from base64 import b64decode
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from tests.functional.faults import Trouble, fault
from tests.functional.story import Story
from tests.functional.telling import (
    LIFE,
    deliveries,
    new_endpoint,
    whole_world,  # noqa: F401 - a fixture
)
from tests.functional.test_deletion import LONG, assert_gone, delete
from tests.functional.test_unwatched import EVERY_TROUBLE, strike
from tests.functional.world import World
from tests.receiver import Receiver, Said

LATE = ["task.succeeded"]
_numbers = count(1)


def create(world: World) -> tuple[Story, str]:
    """Create a task, and tell the word that its prompt and its metadata have to themselves."""
    word = f"kite-{next(_numbers)}-of-ones-own"
    return world.create(f"a {word}", metadata={"order": f"a {word}"}), word


def places(world: World, word: str) -> list[str]:
    """Name every item and every object that holds what the caller has sent."""
    found = []
    for item in world._items():
        attributes = item.to_json()["Attributes"]
        body = attributes.get("body", {}).get("S")
        text = repr(attributes) + (zlib.decompress(b64decode(body)).decode() if body else "")
        found += [attributes["sk"]["S"]] if word in text else []
    bucket = world.cloud.resources["AssetBucket"]
    for key in world.objects(""):
        content = world.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        found += [key] if word.encode() in content else []
    return found


def of_events(world: World, word: str) -> int:
    return sum(place.startswith("EVENT#") for place in places(world, word))


def ends(world: World, made: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(one["type"], one["status"], one["trouble"]) for one in deliveries(world, made)]


def test_a_deletion_leaves_nothing_of_what_was_told_or_was_still_to_be(
    world: World,
    receiver: Receiver,
    endpoint: dict[str, Any],
) -> None:
    receiver.answer = lambda _, event: Said(500 if event["type"] in LATE else 204)
    task, word = create(world)
    world.run_for(60)
    assert of_events(world, word) == 3
    assert ends(world, endpoint)[-1] == ("task.succeeded", "pending", None)
    assert delete(world, task) == 204
    assert places(world, word) == []
    receiver.got.clear()
    receiver.answer = lambda _, __: Said()
    world.run()
    assert receiver.got == []
    assert ends(world, endpoint) == [
        ("task.running", "delivered", None),
        ("task.storing", "delivered", None),
        ("task.succeeded", "failed", "task_deleted"),
    ]
    for one in deliveries(world, endpoint):
        answer = world.http.post(f"/v1/deliveries/{one['id']}/retry")
        assert (answer.status_code, answer.json()["code"]) == (409, "delivery_task_deleted")
    since = {"since": deliveries(world, endpoint)[0]["created_at"]}
    recovery = world.http.post(f"/v1/webhook-endpoints/{endpoint['id']}/recover", json=since)
    assert recovery.json()["recovered"] == 0
    world.run()
    assert receiver.got == []
    assert [status for _, status, _ in ends(world, endpoint)] == ["delivered"] * 2 + ["failed"]


def test_what_has_failed_before_a_deletion_is_not_sent_after_it(
    world: World,
    receiver: Receiver,
    endpoint: dict[str, Any],
) -> None:
    receiver.answer = lambda _, event: Said(500 if event["type"] in LATE else 204)
    task, _ = create(world)
    world.run()
    assert ends(world, endpoint)[-1] == ("task.succeeded", "failed", None)
    since = {"since": task.read()["created_at"]}
    delete(world, task)
    receiver.got.clear()
    recovery = world.http.post(f"/v1/webhook-endpoints/{endpoint['id']}/recover", json=since)
    assert recovery.json() == {"object": "recovery", "recovered": 0, "has_more": False}
    world.run()
    assert receiver.got == []
    assert ends(world, endpoint)[-1] == ("task.succeeded", "failed", "task_deleted")


def test_a_change_that_comes_after_the_deletion_is_told_nobody(
    world: World,
    receiver: Receiver,
    endpoint: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The stream was late by hours, and brought the prompt back for a month."""
    with monkeypatch.context() as patch:
        patch.setattr(world, "_tells", False)
        task, word = create(world)
        world.run()
        assert delete(world, task) == 204
        assert_gone(world, task)
    world.run()
    assert places(world, word) == []
    assert receiver.got == []
    assert ends(world, endpoint) == [(one, "failed", "task_deleted") for one in LIFE]


def test_a_deletion_while_its_events_are_written_leaves_nothing(
    world: World,
    receiver: Receiver,
    endpoint: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in count(1):
        task, word = create(world)
        with monkeypatch.context() as patch:
            dynamodb = world.gateway("EventsFunction").clients.dynamodb
            meanwhile = deleting(world, task, dynamodb.put_item, number)
            patch.setattr(dynamodb, "put_item", meanwhile)
            world.run()
        if world.http.get(f"/v1/tasks/{task.task_id}").status_code == 200:
            assert number > len(LIFE)
            return
        world.run_for(LONG)
        strike(world, 1)
        assert places(world, word) == []


def deleting(
    world: World, task: Story, call: Callable[..., Any], number: int
) -> Callable[..., Any]:
    """Delete a task before the nth call."""
    calls = count(1)

    def made(**params: Any) -> Any:
        if next(calls) == number:
            world.http.delete(f"/v1/tasks/{task.task_id}").raise_for_status()
        return call(**params)

    return made


@EVERY_TROUBLE
def test_a_deletion_in_trouble_takes_the_events_along(
    world: World,
    receiver: Receiver,
    trouble: Trouble,
) -> None:
    made = new_endpoint(world, receiver, events=LATE)
    for number in count(1):
        task, word = create(world)
        world.run()
        assert of_events(world, word) == 1
        with fault(world, "ApiFunction", trouble, number) as planned:
            delete(world, task)
        delete(world, task)
        assert_gone(world, task)
        assert places(world, word) == []
        if not planned.has_struck:
            assert {"Query", "DeleteItem"} <= set(planned.calls)
            break
    world.http.delete(f"/v1/webhook-endpoints/{made['id']}")
