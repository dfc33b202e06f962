"""Live updates: who gets which token, what it opens, and for how long; on a clock of our own."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import httpx
import pytest

from kie_gateway.core.callers.realtime_token import MOST_TASKS
from kie_gateway.core.live.channels import PERIOD_SECONDS
from kie_gateway.core.ports.live import LivePublisher
from tests.functional.world import OWNER, World
from tests.live_client import LiveClient, live_client
from tests.live_events import local_publisher, tell

NOBODYS_TASK = "task_01kjd3x7h8000000000000000z"


@pytest.fixture
def endpoint(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.http.get("/v1/realtime").raise_for_status().json()
    return found


@pytest.fixture
def publisher(world: World, endpoint: dict[str, Any]) -> Iterator[LivePublisher]:
    with local_publisher(endpoint["host"], world.agenda.now) as made:
        yield made


def token_of(http: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = http.post("/v1/realtime/tokens", json=body)
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json()
    return issued


def connected(
    endpoint: dict[str, Any], issued: dict[str, Any]
) -> AbstractContextManager[LiveClient]:
    return live_client(endpoint["url"], endpoint["host"], issued["token"])


def heard(client: LiveClient, count: int) -> list[tuple[str, str]]:
    return [(one["type"], one["data"]["id"]) for one in client.events(count)]


def test_the_api_says_where_and_how_to_connect(endpoint: dict[str, Any]) -> None:
    assert endpoint["object"] == "realtime"
    assert endpoint["enabled"] is True
    assert endpoint["protocol"] == "aws-appsync-event-ws"
    assert endpoint["url"].startswith("ws://127.0.0.1:")


def test_a_token_says_until_when_it_opens_what(world: World) -> None:
    task, now = world.create("a kite").task_id, world.agenda.time()
    answer = world.http.post("/v1/realtime/tokens", json={"tasks": [task, task], "ttl_seconds": 60})
    assert answer.headers["cache-control"] == "no-store"
    issued = answer.json()
    assert issued.keys() == {"object", "token", "expires_at", "tasks", "channels"}
    assert issued["tasks"] == [task]
    assert now + 59 <= datetime.fromisoformat(issued["expires_at"]).timestamp() <= now + 60
    everything = token_of(world.http)
    assert everything["tasks"] is None
    assert all(channel.endswith("/*") for channel in everything["channels"])
    expires_at = datetime.fromisoformat(everything["expires_at"]).timestamp()
    assert now + 3599 <= expires_at <= now + 3600


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tasks": []}, "/tasks"),
        ({"tasks": "task_1"}, "/tasks"),
        ({"tasks": [1]}, "/tasks/0"),
        ({"tasks": [NOBODYS_TASK] * (MOST_TASKS + 1)}, "/tasks"),
        ({"tasks": [NOBODYS_TASK]}, "/tasks/0"),
        ({"tasks": ["*"]}, "/tasks/0"),
        ({"tasks": [""]}, "/tasks/0"),
        ({"ttl_seconds": 0}, "/ttl_seconds"),
        ({"ttl_seconds": 3601}, "/ttl_seconds"),
        ({"ttl_seconds": "60"}, "/ttl_seconds"),
        ({"owner": "bob"}, "/owner"),
    ],
)
def test_wrong_wishes_are_named(world: World, body: dict[str, Any], pointer: str) -> None:
    answer = world.http.post("/v1/realtime/tokens", json=body)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_another_owners_task_is_named_like_one_that_is_not_there(
    world: World, bob: httpx.Client
) -> None:
    task = world.create("a kite").task_id
    body = {"tasks": [task, NOBODYS_TASK]}
    errors = bob.post("/v1/realtime/tokens", json=body).json()["errors"]
    assert [fault["pointer"] for fault in errors] == ["/tasks/0", "/tasks/1"]
    assert errors[0]["detail"] == errors[1]["detail"]


def test_each_follows_what_its_token_opens(
    world: World, bob: httpx.Client, endpoint: dict[str, Any], publisher: LivePublisher
) -> None:
    one, other = world.create("a kite").read(), world.create("a kite").read()
    tokens = (token_of(world.http), token_of(world.http, tasks=[one["id"]]), token_of(bob))
    with (
        connected(endpoint, tokens[0]) as everything,
        connected(endpoint, tokens[1]) as single,
        connected(endpoint, tokens[2]) as stranger,
    ):
        for client, issued in zip((everything, single, stranger), tokens, strict=True):
            client.follow(issued["channels"])
        for channel in tokens[0]["channels"] + tokens[1]["channels"]:
            told = stranger.subscribe(channel, "theirs")
            assert told["errors"][0]["errorType"] == "UnauthorizedException"
        for channel in tokens[0]["channels"]:
            told = single.subscribe(channel, "more")
            assert told["errors"][0]["errorType"] == "UnauthorizedException"
        tell(publisher, OWNER, other)
        tell(publisher, OWNER, one)
        tell(publisher, "bob", {**one, "id": NOBODYS_TASK})
        assert heard(everything, 2) == [("task.running", other["id"]), ("task.running", one["id"])]
        assert heard(single, 1) == [("task.running", one["id"])]
        assert heard(stranger, 1) == [("task.running", NOBODYS_TASK)]


def test_a_token_that_has_expired_opens_nothing(world: World, endpoint: dict[str, Any]) -> None:
    issued = token_of(world.http, ttl_seconds=60)
    with connected(endpoint, issued) as client:
        client.start()
        world.run_for(61)
        told = client.subscribe(issued["channels"][0])
        assert told["errors"][0]["errorType"] == "UnauthorizedException"
    with connected(endpoint, issued) as late:
        assert late.hear()["type"] == "connection_error"
        assert late.is_closed()


def test_a_connection_of_an_expired_token_hears_nothing_of_the_next_period(
    world: World, endpoint: dict[str, Any], publisher: LivePublisher
) -> None:
    """AppSync does not end it, so what is published later goes where it is not subscribed."""
    task = world.create("a kite").read()
    short, fresh = token_of(world.http, ttl_seconds=1), token_of(world.http)
    with connected(endpoint, short) as old, connected(endpoint, fresh) as new:
        old.follow(short["channels"])
        new.follow(fresh["channels"])
        tell(publisher, OWNER, task)
        assert len(heard(old, 1)) == len(heard(new, 1)) == 1
        # A second may lie in two periods.
        world.run_for(2 * PERIOD_SECONDS)
        tell(publisher, OWNER, task)
        assert len(heard(new, 1)) == 1
        # What it is answered now comes after all that it was ever sent.
        told = old.subscribe(fresh["channels"][-1], "late")
        assert told["errors"][0]["errorType"] == "UnauthorizedException"


def test_a_connection_ends_after_a_day_and_a_read_tells_what_was_missed(
    world: World, endpoint: dict[str, Any], publisher: LivePublisher
) -> None:
    story = world.create("a kite")
    issued = token_of(world.http, tasks=[story.task_id])
    with connected(endpoint, issued) as client:
        client.follow(issued["channels"])
        world.run_for(24 * 3600)
        assert client.is_closed()
    world.run()
    tell(publisher, OWNER, story.read())
    again = token_of(world.http, tasks=[story.task_id])
    with connected(endpoint, again) as client:
        client.follow(again["channels"])
        assert story.read()["status"] == "succeeded"
        tell(publisher, OWNER, story.read())
        assert heard(client, 1) == [("task.succeeded", story.task_id)]
