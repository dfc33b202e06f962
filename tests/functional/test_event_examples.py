"""The bodies of events in the documents are true: a run gives them again."""

from collections.abc import Iterator

import pytest

from kie_gateway.core.events.event_type import EventType
from kie_gateway.web.events.examples import event_examples
from tests.functional.event_examples import record_events
from tests.functional.world import World
from tests.receiver import Receiver, receiving


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def whole_world(receiver: Receiver) -> Iterator[World]:
    with World(tells=True, parameters={"WebhookHosts": receiver.place}) as world:
        yield world


def test_a_run_gives_the_bodies_again(world: World, receiver: Receiver) -> None:
    recorded, kept = record_events(world, receiver), event_examples()
    for type_ in EventType:
        assert recorded[type_] == kept[type_], (
            f"{type_}: run `python -m tests.functional.event_examples` and `make openapi`"
        )
