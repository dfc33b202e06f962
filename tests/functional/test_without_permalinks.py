"""A gateway whose operator has switched permalinks off, by the template's parameter."""

from collections.abc import Iterator

import httpx
import pytest

from kie_gateway.core.files.permalink import permalink_path
from kie_gateway.core.signing_key import derive_key
from tests.functional.world import MODEL, World


@pytest.fixture(scope="module")
def whole_world() -> Iterator[World]:
    with World(parameters={"Permalinks": "false"}) as world:
        yield world


def given_out_before(world: World, task_id: str) -> str:
    """Make the permalink that the same deployment made when they were on."""
    name = world.cloud.resources["SigningSecret"]
    secret = world.cloud.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    return world.cloud.url + permalink_path(task_id, "0", derive_key(secret, "permalink"))


def test_files_have_none_and_those_of_before_are_dead(world: World) -> None:
    task = world.create("a kite")
    world.run()
    [output] = task.read()["outputs"]
    [listed] = world.http.get("/v1/outputs").json()["data"]
    assert (output["permalink"], listed["permalink"]) == (None, None)
    assert len(task.stored_files()) == 1

    answer = httpx.get(given_out_before(world, task.task_id))

    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


@pytest.mark.parametrize("text", ["{{outputs[0].permalink}}", "see {{outputs[0].permalink}}"])
def test_a_child_that_wants_one_is_refused_with_its_parent(world: World, text: str) -> None:
    wish = {"model": MODEL, "input": {"prompt": text}}
    body = {"model": MODEL, "input": {"prompt": "a kite"}, "then": [wish]}
    answer = world.http.post("/v1/tasks", json=body)
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert fault == {
        "pointer": "/then/0/input/prompt",
        "detail": "there is no outputs[0].permalink",
    }


def test_a_link_in_a_text_stays_a_reference(world: World) -> None:
    wish = {"model": MODEL, "input": {"prompt": "see {{outputs[0].url}}"}}
    task = world.create("a kite", then=[wish])
    world.run()
    child = task.read()["children"][0]["id"]
    shown = world.http.get(f"/v1/tasks/{child}").json()["input"]["prompt"]
    assert shown == f"see kg-output://{task.task_id}/0"
