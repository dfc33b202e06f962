"""The same stack in a region that is not us-east-1."""

from collections.abc import Iterator

import pytest

from tests.functional.world import World

REGION = "eu-south-1"


@pytest.fixture(scope="module")
def whole_world() -> Iterator[World]:
    with World(region=REGION) as world:
        yield world


@pytest.mark.parametrize(
    ("prompt", "road"), [("a kite", "webhook"), ("a kite [webhook lost]", "poll")]
)
def test_both_roads_lead_through_another_region(world: World, prompt: str, road: str) -> None:
    task = world.create(prompt)
    world.run()
    assert task.end() == ("succeeded", road, None)
    assert len(task.stored_files()) == 1


def test_everything_stands_in_that_region(world: World) -> None:
    """Nothing is left in the region that moto takes where nobody names one."""
    arns = [spec.arn for spec in world.cloud.stack.functions.values()]
    arns += [*world.cloud.stack.machines.values(), world.cloud.resources["CallbackSecret"]]
    arns += [source.queue_arn for source in world.cloud.stack.sources]
    assert {arn.split(":")[3] for arn in arns} == {REGION}
    environment = world.cloud.environment("ApiFunction")
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == REGION
