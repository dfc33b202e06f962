"""A world that tells what happens, and the deliveries to endpoints in it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.world import World
from tests.receiver import Receiver

PATH = "/hook"
# Nobody listens at the port for discarding.
DEAD = "127.0.0.1:9"
LIFE = ["task.running", "task.storing", "task.succeeded"]


@pytest.fixture(scope="module")
def whole_world(all_received: Receiver) -> Iterator[World]:
    with World(tells=True, parameters={"WebhookHosts": f"{all_received.place},{DEAD}"}) as world:
        yield world


def new_endpoint(world: World, receiver: Receiver, **more: Any) -> dict[str, Any]:
    answer = world.http.post("/v1/webhook-endpoints", json={"url": receiver.url + PATH, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def deliveries(world: World, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    """List the deliveries to an endpoint, oldest first."""
    answer = world.http.get(f"/v1/webhook-endpoints/{endpoint['id']}/deliveries?limit=100")
    found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]
    return found[::-1]
