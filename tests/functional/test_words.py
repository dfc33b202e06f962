"""What Kie.ai's words may do, seen from outside: nothing to other owners, and nothing to money."""

import json
from typing import Any

import httpx
import pytest

from kie_gateway.aws.key_table import KeyTable
from kie_gateway.core.callback_token import callback_url
from kie_gateway.core.callers.api_key import Scope
from simulator import refusals
from simulator.signing import signed_headers
from tests.functional.story import Story
from tests.functional.world import HMAC_KEY, MODEL, World
from tests.keys import issue_key

PRICE = 4.0


@pytest.mark.parametrize(
    "words",
    [
        "Load balancer error, please try again later",
        "Insufficient balance on the upstream channel",
        "Failed to deduct credits",
        "Rate limit exceeded",
        "cannot connect to model service, try again later",
    ],
)
def test_an_accepted_creation_is_not_sent_again_whatever_the_words_are(
    world: World, bob: httpx.Client, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """Kie.ai took it and answered code 500; the word "balance" once had it made twice."""
    monkeypatch.setitem(refusals._WORDS, 500, words)
    task = world.create("a kite [create 500 code]")
    assert task.read()["attention"] == "submission_unknown"
    body = {"model": MODEL, "input": {"prompt": "a boat"}}
    other = bob.post("/v1/tasks", json=body).raise_for_status().json()
    world.settle_down()
    # Nobody else is held up.
    assert bob.get(f"/v1/tasks/{other['id']}").json()["status"] == "running"
    world.run()
    assert task.end() == ("succeeded", "webhook", None)
    assert task.accepted_creations() == 1


def test_a_failure_of_the_service_behind_is_not_the_callers_input(world: World) -> None:
    task = world.create("a kite [fail 500 cannot connect to model service]")
    world.run()
    error = task.read()["error"]
    assert (error["category"], error["retryable"]) == ("upstream", True)


def test_refused_content_is_told_apart_whatever_its_code(world: World) -> None:
    task = world.create("a kite [fail 500 PUBLIC_ERROR_MINOR_UPLOAD]")
    world.run()
    error = task.read()["error"]
    assert (error["category"], error["retryable"]) == ("content_policy", False)


def a_result(world: World) -> str:
    """Have a picture made by somebody else, and wait until it lies at Kie.ai's file host."""
    body = {"model": MODEL, "callBackUrl": "http://127.0.0.1:9/x", "input": {"prompt": "a boat"}}
    headers = {"Authorization": "Bearer test"}
    with httpx.Client(base_url=world.kie.base_url, headers=headers) as kie:
        task = kie.post("/api/v1/jobs/createTask", json=body).json()["data"]
        world.run_for(60)
        record = kie.get("/api/v1/jobs/recordInfo", params=task).json()["data"]
    link: str = json.loads(record["resultJson"])["resultUrls"][0]
    return link


def claim(world: World, task: Story, result_url: str, taken: Any) -> httpx.Response:
    """Deliver what anybody could who has seen one webhook: its signature leaves the body out."""
    secret_id = world.cloud.resources["CallbackSecret"]
    secrets = world.cloud.client("secretsmanager")
    secret = secrets.get_secret_value(SecretId=secret_id)["SecretString"]
    upstream = task.read()["upstream"]["task_id"]
    result = json.dumps({"resultUrls": [result_url]})
    record = {"taskId": upstream, "state": "success", "resultJson": result}
    body = {"code": 200, "msg": "success", "data": {**record, "creditsConsumed": taken}}
    headers = signed_headers(upstream, int(world.agenda.time()), HMAC_KEY)
    url = callback_url(world.cloud.url, task.task_id, secret)
    return httpx.post(url, json=body, headers=headers)


@pytest.mark.parametrize("taken", [-50, -0.5, 1e9, "1e14"])
def test_what_a_webhook_says_it_took_is_charged_with_sense_only(world: World, taken: Any) -> None:
    """A claim of -50 credits once made a balance grow by as much."""
    result_url = a_result(world)
    keys = KeyTable(world.cloud.client("dynamodb"), world.cloud.resources["TaskTable"])
    owner, now = f"payer{abs(hash(str(taken)))}", world.agenda.now()
    issue_key(owner, "x", keys=keys, key_id=f"key_{owner}", now=now, secret=f"kg_{owner}")
    scopes = frozenset(Scope)
    issue_key("root", "x", keys=keys, key_id="key_r", now=now, secret="kg_r", scopes=scopes)
    url, mine = world.cloud.url, {"Authorization": f"Bearer kg_{owner}"}
    grant = {"owner": owner, "credits": 100, "reason": "welcome"}
    admin = {"Authorization": "Bearer kg_r"}
    httpx.post(f"{url}/v1/credits/grant", json=grant, headers=admin).raise_for_status()
    body = {"model": MODEL, "input": {"prompt": "a kite [webhook lost] [slow 60]"}}
    made = httpx.post(f"{url}/v1/tasks", json=body, headers=mine).raise_for_status().json()
    world.settle_down()

    class Own(Story):
        def _get(self, path: str) -> Any:
            found = httpx.get(f"{url}/v1/tasks/{made['id']}{path}", headers=mine)
            return found.raise_for_status().json()

    task = Own(world, made["id"], world.agenda.time())
    assert claim(world, task, result_url, taken).json() == {"code": 200, "msg": "success"}
    world.run()
    assert task.end() == ("succeeded", "webhook", None)
    [told] = [one for one in task.timeline() if one["type"] == "webhook_accepted"]
    assert "are implausible" in told["message"]
    account = httpx.get(f"{url}/v1/credits", headers=mine).json()
    assert (account["balance"], account["reserved"], account["spent"]) == (100 - PRICE, 0, PRICE)
    assert task.read()["credits"]["charged"] == PRICE
