"""One world for each module, since moto keeps one state for each process."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from kie_gateway.aws.key_table import KeyTable
from kie_gateway.core.callers.api_key import Scope
from tests.functional.owner import Owner
from tests.functional.telling import new_endpoint
from tests.functional.world import World
from tests.keys import issue_key
from tests.receiver import Receiver, Said, receiving

_numbers = count(1)


@pytest.fixture(scope="module")
def whole_world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def world(whole_world: World) -> World:
    """Give a world in which nothing has happened yet."""
    whole_world.start_afresh()
    return whole_world


@pytest.fixture
def bob(world: World) -> Iterator[httpx.Client]:
    """Another owner."""
    keys = KeyTable(world.cloud.client("dynamodb"), world.cloud.resources["TaskTable"])
    now = world.agenda.now()
    issue_key("bob", "x", keys=keys, key_id="key_bob", now=now, secret="kg_bob")
    headers = {"Authorization": "Bearer kg_bob"}
    with httpx.Client(base_url=world.cloud.url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def owner(world: World) -> Iterator[Owner]:
    keys = KeyTable(world.cloud.client("dynamodb"), world.cloud.resources["TaskTable"])
    number, now = next(_numbers), world.agenda.now()
    name = f"owner{number}"
    issue_key(name, "x", keys=keys, key_id=f"key_{name}", now=now, secret=f"kg_{name}")
    issue_key(
        "root", "x", keys=keys, key_id="key_r", now=now, secret="kg_r", scopes=frozenset(Scope)
    )

    def client(secret: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx.Client(base_url=world.cloud.url, headers=headers, timeout=20)

    with client(f"kg_{name}") as http, client("kg_r") as admin:
        yield Owner(world, name, http, admin)


@pytest.fixture(scope="module")
def all_received() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def receiver(all_received: Receiver, world: World) -> Receiver:
    """Give a receiver that takes everything, and nothing on its way to it."""
    world.run()
    world.outgoing.on_the_bus()
    all_received.got.clear()
    all_received.answer = lambda _, __: Said()
    return all_received


@pytest.fixture
def endpoint(world: World, receiver: Receiver) -> Iterator[dict[str, Any]]:
    """Give an endpoint that is told of everything."""
    made = new_endpoint(world, receiver)
    yield made
    world.http.delete(f"/v1/webhook-endpoints/{made['id']}")
