"""One world for each module, since moto keeps one state for each process."""

from collections.abc import Iterator

import pytest

from tests.functional.world import World


@pytest.fixture(scope="module")
def whole_world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def world(whole_world: World) -> World:
    """Give a world in which nothing has happened yet."""
    whole_world.start_afresh()
    return whole_world
