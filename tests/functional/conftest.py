"""One world for each module, since moto keeps one state for each process."""

from collections.abc import Iterator

import httpx
import pytest

from kie_gateway.aws.key_table import KeyTable
from tests.functional.world import World
from tests.keys import issue_key


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
