"""Pictures of which only Kie's history page knows that they are finished."""

import pytest

from tests.functional.world import World

PICTURE = {"size": "1:1"}


@pytest.mark.parametrize("dials", ["[flag stuck]", "[history only] [history top]"])
def test_a_picture_whose_flag_is_stuck_is_found_with_the_api_key_alone(
    world: World, dials: str
) -> None:
    given = {**PICTURE, "prompt": f"a kite {dials}"}
    task = world.create("", model="gpt4o-image", input=given)
    world.run()
    assert task.end() == ("succeeded", "history", None)
    assert all(task.stored_files())
    told = [one["message"] for one in task.timeline() if one["type"] == "history_asked"]
    assert told == ["The history page lists the task as done."]


def test_a_lagging_picture_of_another_family_is_not_looked_for_without_a_session(
    world: World,
) -> None:
    task = world.create("a kite [history only]", deadline_seconds=900)
    world.run()
    assert task.read()["status"] == "expired"
    assert "history_asked" not in {one["type"] for one in task.timeline()}
