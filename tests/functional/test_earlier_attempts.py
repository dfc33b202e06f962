"""A task that another model is tried for: late words of the first, crashes, and races."""

from typing import Any

import httpx
import pytest

from kie_gateway.core.callback_token import callback_url
from simulator.signing import signed_headers
from tests.functional.faults import Trouble, fault
from tests.functional.story import Story
from tests.functional.test_alternatives import FALLBACK, SECOND, SECOND_PRICE, figures, spent_since
from tests.functional.world import HMAC_KEY, MODEL, World

# --- what is told late of the first -------------------------------------------------------------


def tell(world: World, task: Story, upstream_task_id: str | None, **record: Any) -> dict[str, Any]:
    """Deliver a signed webhook of Kie.ai about a task of the Market."""
    secret_id = world.cloud.resources["CallbackSecret"]
    secrets = world.cloud.client("secretsmanager")
    secret = secrets.get_secret_value(SecretId=secret_id)["SecretString"]
    body = {"code": 200, "msg": "success", "data": {"taskId": upstream_task_id, **record}}
    headers = signed_headers(upstream_task_id or "", int(world.agenda.time()), HMAC_KEY)
    url = callback_url(world.cloud.url, task.task_id, secret)
    answer: dict[str, Any] = httpx.post(url, json=body, headers=headers).json()
    world.settle_down()
    return answer


def success(world: World) -> dict[str, Any]:
    return {
        "state": "success",
        "resultJson": f'{{"resultUrls": ["{world.kie.base_url}/files/x.png"]}}',
        "creditsConsumed": 4,
    }


FAIL = {"state": "fail", "failCode": "500", "failMsg": "Internal Error"}


@pytest.mark.parametrize("says", ["success", "fail"])
@pytest.mark.parametrize(
    "second", ["", "[{}: create drop]", "[{}: create 429]", "[{}: create 433]"]
)
@pytest.mark.parametrize("when", ["during", "after"])
def test_a_late_word_of_the_first_is_noted_and_nothing_else(
    world: World, says: str, second: str, when: str
) -> None:
    prompt = f"a kite [{MODEL}: fail] [{SECOND}: slow 30] {second.format(SECOND)}"
    task = world.create(prompt, fallback=FALLBACK)
    first = task.read()["upstream"]["task_id"]
    world.run_for(3.5)
    assert task.read()["model"] == SECOND
    if when == "after":
        world.run()
    before = task.read()
    record = success(world) if says == "success" else FAIL
    assert tell(world, task, first, **record) == {"code": 200, "msg": "success"}
    assert task.read() == before | {"outputs": task.read()["outputs"]}
    [*_, last] = [one for one in task.timeline() if one["type"] == "webhook_duplicate"]
    assert MODEL in last["message"]
    assert ("not delivered" in last["message"]) is (says == "success")
    world.run()
    assert task.read()["upstream"]["task_id"] != first
    assert task.end()[0] == "succeeded"
    assert task.read()["credits"]["charged"] == SECOND_PRICE
    assert task.accepted_creations() == 2


def test_the_id_of_the_first_still_leads_to_the_task(world: World, bob: httpx.Client) -> None:
    task = world.create(f"a kite [{MODEL}: fail]", fallback=FALLBACK)
    first = task.read()["upstream"]["task_id"]
    world.run()
    table = world.gateway("ApiFunction").tasks
    assert [one.task_id for one in table.find_by_upstream(first)] == [task.task_id]
    item = {"upstream_task_id": first, "model": MODEL}
    [theirs] = bob.post("/v1/tasks/import", json={"items": [item]}).json()["data"]
    assert theirs["status"] == 404
    mine = world.http.post("/v1/tasks/import", json={"items": [item]}).json()["data"][0]
    assert mine["task"]["id"] != task.task_id
    world.run()


# --- crashes and races --------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, 9))
def test_whoever_ends_over_it_is_followed_by_the_watch(world: World, number: int) -> None:
    """StoreFunction asks Kie.ai, records that another model is tried, and starts an execution."""
    before = figures(world)
    task = world.create(f"a kite [{MODEL}: fail]", fallback=FALLBACK)
    with fault(world, "StoreFunction", Trouble.ENDS_AFTER, number):
        world.run()
    told = task.read()
    assert (told["status"], told["model"]) == ("succeeded", SECOND), task.told()
    assert task.accepted_creations() == 2
    assert spent_since(world, before) == SECOND_PRICE


@pytest.mark.parametrize("number", range(4, 8))
def test_a_request_that_ends_after_the_refusal_leaves_a_task_that_goes_on(
    world: World, number: int
) -> None:
    # What is read once for all requests is read by the first.
    world.create("a kite", fallback=FALLBACK)
    body = {"model": MODEL, "input": {"prompt": f"a kite [{MODEL}: create 505]"}}
    with fault(world, "ApiFunction", Trouble.ENDS_AFTER, number):
        world.http.post("/v1/tasks", json={**body, "fallback": FALLBACK})
        world.settle_down()
    task = world.newest_task()
    assert task.told()[0].startswith("0 created submission_started fell_back")
    world.run()
    assert task.end()[0] == "succeeded", task.told()
    assert task.accepted_creations() == 1
