"""Every route for every kind of caller: the right status, and nothing told that is not theirs."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kie_gateway.aws.key_table import KeyTable
from kie_gateway.core.callers.api_key import Scope
from tests.functional.story import Story
from tests.functional.world import KEY, MODEL, OWNER, World
from tests.keys import issue_key, revoke_key

NOBODYS_TASK = "task_01kjd3x7h8000000000000000z"
# In nothing that others get to see.
PROMPT = "a kite that only its owner knows of"
METADATA = {"order": "4711-for-the-owner"}
# What is sent, and why it is turned away.
TURNED_AWAY = {
    "no key": None,
    "no bearer": "Basic YWxpY2U6c2VjcmV0",
    "an empty key": "Bearer",
    "an unknown key": "Bearer kg_unknown",
    "a key in part": f"Bearer {KEY[:-1]}",
    "an expired key": "Bearer kg_expired",
    "a revoked key": "Bearer kg_revoked",
}
SCOPES = {
    "kg_reads": {Scope.TASKS_READ},
    "kg_writes": {Scope.TASKS_WRITE},
    "kg_admin": {Scope.ADMIN},
    "kg_stranger": {Scope.TASKS_READ, Scope.TASKS_WRITE},
}
CHANGE = {"owner": "carol", "credits": 1, "reason": "x"}
UPLOAD = {"content_type": "image/png", "bytes": 10}
ENDPOINT = {"url": "https://hooks.example/kie"}
SINCE = {"since": "2026-03-01T12:00:00Z"}
TASK = {"model": MODEL, "input": {"prompt": "a kite"}}


@dataclass(frozen=True)
class Call:
    """
    A good request, and what it is answered.

    Attributes:
        owner: To the task's owner, whose key may read and write.
        stranger: To another owner with the same scopes.
        admin: To an admin, who is another owner, too.
    """

    owner: int
    stranger: int
    admin: int
    body: Any = None


CALLS = {
    "GET /": Call(302, 302, 302),
    "GET /docs": Call(200, 200, 200),
    "GET /docs/": Call(308, 308, 308),
    "GET /favicon.ico": Call(204, 204, 204),
    "GET /v1/health": Call(200, 200, 200),
    "GET /v1/openapi.json": Call(200, 200, 200),
    "GET /problems/<code>": Call(200, 200, 200),
    # Nobody is told why: the signature is another's.
    "GET /files/<task_id>/<number>/<signature>": Call(404, 404, 404),
    "POST /v1/tasks": Call(202, 202, 202, TASK),
    "GET /v1/tasks": Call(200, 200, 200),
    "GET /v1/tasks/<task_id>": Call(200, 404, 200),
    "GET /v1/tasks/<task_id>/events": Call(200, 404, 200),
    "GET /v1/tasks/<task_id>/outputs/<index>/content": Call(302, 404, 302),
    "POST /v1/tasks/<task_id>/refresh": Call(200, 404, 200),
    # It has succeeded.
    "POST /v1/tasks/<task_id>/cancel": Call(409, 404, 409),
    "POST /v1/tasks/<task_id>/retry": Call(409, 404, 409),
    "DELETE /v1/tasks/<task_id>": Call(204, 404, 204),
    # Each item has a status of its own.
    "POST /v1/tasks/import": Call(207, 207, 207, "the task's id at Kie.ai"),
    "POST /v1/batches": Call(202, 202, 202, {"items": [TASK]}),
    "GET /v1/batches": Call(200, 200, 200),
    # Admins say whose batch it is, as the tests below do.
    "GET /v1/batches/<batch_id>": Call(200, 404, 404),
    # It has ended.
    "POST /v1/batches/<batch_id>/cancel": Call(409, 404, 404),
    "GET /v1/outputs": Call(200, 200, 200),
    "POST /v1/webhook-endpoints": Call(201, 201, 201, ENDPOINT),
    "GET /v1/webhook-endpoints": Call(200, 200, 200),
    # Admins say whose it is, as for batches.
    "GET /v1/webhook-endpoints/<endpoint_id>": Call(200, 404, 404),
    "PATCH /v1/webhook-endpoints/<endpoint_id>": Call(200, 404, 404, {"description": "x"}),
    "DELETE /v1/webhook-endpoints/<endpoint_id>": Call(204, 404, 404),
    "POST /v1/webhook-endpoints/<endpoint_id>/rotate-secret": Call(200, 404, 404),
    "POST /v1/webhook-endpoints/<endpoint_id>/test": Call(202, 404, 404),
    "GET /v1/webhook-endpoints/<endpoint_id>/deliveries": Call(200, 404, 404),
    "POST /v1/webhook-endpoints/<endpoint_id>/recover": Call(202, 404, 404, SINCE),
    "POST /v1/deliveries/<delivery_id>/retry": Call(202, 404, 404),
    "POST /v1/uploads": Call(201, 201, 201, UPLOAD),
    "GET /v1/models": Call(200, 200, 200),
    "GET /v1/models/<model_id>": Call(200, 200, 200),
    "GET /v1/models/<vendor>/<name>": Call(200, 200, 200),
    # There is no such model.
    "GET /v1/models/<vendor>/<name>/<variant>": Call(404, 404, 404),
    "GET /v1/recipes": Call(200, 200, 200),
    "GET /v1/recipes/<name>": Call(200, 200, 200),
    "GET /v1/realtime": Call(200, 200, 200),
    "POST /v1/realtime/tokens": Call(201, 201, 201, {"ttl_seconds": 60}),
    "GET /v1/credits": Call(200, 200, 200),
    "GET /v1/credits/ledger": Call(200, 200, 200),
    "POST /v1/credits/grant": Call(403, 403, 200, CHANGE),
    "POST /v1/credits/adjust": Call(403, 403, 200, CHANGE),
    "PUT /v1/credits/limits": Call(403, 403, 200, {"owner": "carol"}),
    "POST /v1/keys": Call(403, 403, 201, {"owner": "carol", "name": "x"}),
    "GET /v1/keys": Call(403, 403, 200),
    "POST /v1/keys/<key_id>/rotate": Call(403, 403, 201),
    "DELETE /v1/keys/<key_id>": Call(403, 403, 204),
    "POST /v1/creations/stop": Call(403, 403, 204, {"reason": "x"}),
    "DELETE /v1/creations/stop": Call(403, 403, 204),
}
OPEN = {
    *("GET /", "GET /docs", "GET /docs/", "GET /favicon.ico"),
    *("GET /v1/health", "GET /v1/openapi.json", "GET /problems/<code>"),
    "GET /files/<task_id>/<number>/<signature>",
}
# What may change the task, asks Kie.ai for it, or lists what is newest: such calls get a new one.
NEED_A_NEW_TASK = {
    *(name for name in CALLS if "/<task_id>" in name and not name.startswith("GET ")),
    *("POST /v1/tasks/import", "GET /v1/tasks", "GET /v1/outputs"),
}
LISTS = [
    *("/v1/tasks", "/v1/batches", "/v1/outputs", "/v1/webhook-endpoints"),
    *("/v1/credits", "/v1/credits/ledger", "/v1/keys"),
]


@pytest.fixture(scope="module")
def whole_world() -> Iterator[World]:
    with World() as world:
        issue(world, "kg_expired", OWNER, expires_at=world.agenda.now() - timedelta(seconds=1))
        revoke(world, issue(world, "kg_revoked", OWNER))
        for secret, scopes in SCOPES.items():
            owner = {"kg_admin": "root", "kg_stranger": "bob"}.get(secret, OWNER)
            issue(world, secret, owner, scopes=frozenset(scopes))
        yield world


def key_table(world: World) -> KeyTable:
    return KeyTable(world.cloud.client("dynamodb"), world.cloud.resources["TaskTable"])


def issue(world: World, secret: str, owner: str, **more: Any) -> str:
    """Issue a key; gives its id."""
    keys, now = key_table(world), world.agenda.now()
    issue_key(owner, "x", keys=keys, key_id=f"key_{secret}", now=now, secret=secret, **more)
    return f"key_{secret}"


def revoke(world: World, key_id: str) -> None:
    revoke_key(key_id, keys=key_table(world), now=world.agenda.now())


@pytest.fixture
def task(world: World) -> Story:
    """A task that has succeeded, of somebody who has a key to lose, too."""
    issue(world, "kg_spare", OWNER)
    return succeeded(world)


@pytest.fixture(scope="module")
def shared_task(whole_world: World) -> Story:
    whole_world.start_afresh()
    return succeeded(whole_world)


@pytest.fixture
def old_task(world: World, shared_task: Story) -> Story:
    """The like for those who leave it as it is."""
    issue(world, "kg_spare", OWNER)
    return shared_task


@pytest.fixture
def suitable_task(request: pytest.FixtureRequest) -> Story:
    """A task for the call that a test is about."""
    name = request.node.callspec.params["name"]
    story: Story = request.getfixturevalue("task" if name in NEED_A_NEW_TASK else "old_task")
    return story


def succeeded(world: World) -> Story:
    story = world.create(PROMPT, metadata=METADATA)
    world.run()
    assert story.end()[0] == "succeeded"
    return story


def ask(
    world: World, name: str, sent: str | None, task_id: str = NOBODYS_TASK, body: Any = None
) -> httpx.Response:
    method, path = name.split(" ")
    vendor, model = MODEL.split("/")
    values = {"task_id": task_id, "index": "0", "key_id": "key_kg_spare"}
    values |= {
        "model_id": "gpt4o-image",
        "vendor": vendor,
        "name": model,
        "variant": "x",
        "code": "forbidden",
        "number": "0",
        "signature": "of-nobody",
    }
    if "<batch_id>" in path:
        values["batch_id"] = ended_batch(world)
    if "<endpoint_id>" in path or "<delivery_id>" in path:
        values["endpoint_id"] = webhook_endpoint(world)
    if "<delivery_id>" in path:
        values["delivery_id"] = delivery(world, values["endpoint_id"])
    if path.startswith("/v1/recipes/"):
        values["name"] = "upscale"
    url = world.cloud.url + re.sub(r"<(\w+)>", lambda found: values[found[1]], path)
    headers = {"Authorization": sent} if sent is not None else {}
    content = None if body is None else json.dumps(body)
    answer = httpx.request(method, url, headers=headers, content=content, timeout=20)
    world.settle_down()
    return answer


def ended_batch(world: World) -> str:
    """Give a batch of the owner's whose tasks have all ended; it is made when first asked for."""
    listed = world.http.get("/v1/batches", params={"limit": 100}).json()["data"]
    ended: list[str] = [one["id"] for one in listed if one["completed_at"] is not None]
    if ended:
        return ended[0]
    batch: str = world.http.post("/v1/batches", json={"items": [TASK]}).json()["id"]
    world.run()
    return batch


def webhook_endpoint(world: World) -> str:
    """Give a webhook endpoint of the owner's; it is made when there is none."""
    listed = world.http.get("/v1/webhook-endpoints").json()["data"]
    found = listed[0] if listed else world.http.post("/v1/webhook-endpoints", json=ENDPOINT).json()
    endpoint_id: str = found["id"]
    return endpoint_id


def delivery(world: World, endpoint_id: str) -> str:
    """Give a delivery to an endpoint of the owner's."""
    path = f"/v1/webhook-endpoints/{endpoint_id}"
    listed = world.http.get(f"{path}/deliveries").json()["data"]
    found: str = (listed[0] if listed else world.http.post(f"{path}/test").json())["id"]
    return found


def told(answer: httpx.Response) -> dict[str, Any]:
    """The body, but for the id of the request."""
    body: dict[str, Any] = json.loads(answer.text)
    assert body.pop("request_id") == answer.headers["x-request-id"]
    return body


def body_of(call: Call, task: Story) -> Any:
    if not isinstance(call.body, str):
        return call.body
    upstream = task.read()["upstream"]["task_id"]
    return {"items": [{"upstream_task_id": upstream, "model": MODEL}]}


def secrets_of(task: Story) -> list[str]:
    """What nobody else may read, of a task and its files."""
    read = task.read()
    [output] = read["outputs"]
    told_kie = [PROMPT, METADATA["order"], read["upstream"]["task_id"]]
    return [OWNER, task.task_id, *told_kie, output["sha256"], output["url"].partition("?")[0]]


# --- the matrix ---------------------------------------------------------------------------------


def test_the_matrix_has_every_route_and_each_says_who_may_call_it(world: World) -> None:
    declared = world.functions.app("ApiFunction").app.declared()
    scopes = {f"{method} {path}": scope for (method, path), scope in declared.items()}
    assert scopes.keys() == CALLS.keys()
    assert {name for name, scope in scopes.items() if scope is None} == OPEN
    for name, call in CALLS.items():
        if name not in OPEN:
            is_admins = call.owner == 403
            reads = Scope.TASKS_READ if name.startswith("GET ") else Scope.TASKS_WRITE
            assert scopes[name] is (Scope.ADMIN if is_admins else reads), name


@pytest.mark.parametrize("who", TURNED_AWAY)
def test_without_a_key_in_force_every_route_says_the_same(
    world: World, old_task: Story, who: str
) -> None:
    expected = told(httpx.get(f"{world.cloud.url}/v1/tasks"))
    for name, call in CALLS.items():
        for task_id in (old_task.task_id, NOBODYS_TASK):
            answer = ask(world, name, TURNED_AWAY[who], task_id, body_of(call, old_task))
            if name in OPEN:
                assert answer.status_code == call.stranger, name
                continue
            assert answer.status_code == 401, name
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert told(answer) == expected, name


@pytest.mark.parametrize("secret", ["kg_reads", "kg_writes"])
def test_a_key_without_the_scope_is_told_which_it_takes_and_nothing_else(
    world: World, old_task: Story, secret: str
) -> None:
    scopes = world.functions.app("ApiFunction").app.declared()
    for (method, path), scope in scopes.items():
        name = f"{method} {path}"
        if scope is None or scope in SCOPES[secret]:
            continue
        body = body_of(CALLS[name], old_task)
        one, other = (
            ask(world, name, f"Bearer {secret}", task_id, body)
            for task_id in (old_task.task_id, NOBODYS_TASK)
        )
        assert one.status_code == other.status_code == 403, name
        assert scope.value in told(one)["detail"]
        # The same whether there is such a task or not.
        assert told(one) == told(other)


@pytest.mark.parametrize("name", CALLS)
def test_an_owner_gets_what_is_its_own(world: World, suitable_task: Story, name: str) -> None:
    call = CALLS[name]
    answer = ask(world, name, f"Bearer {KEY}", suitable_task.task_id, body_of(call, suitable_task))
    assert answer.status_code == call.owner, answer.text
    if name in ("GET /v1/tasks", "GET /v1/outputs", "POST /v1/tasks/import"):
        assert suitable_task.task_id in answer.text


@pytest.mark.parametrize("name", CALLS)
def test_another_owner_learns_nothing(world: World, suitable_task: Story, name: str) -> None:
    call = CALLS[name]
    before, hidden = suitable_task.timeline(), secrets_of(suitable_task)
    body = body_of(call, suitable_task)
    answer = ask(world, name, "Bearer kg_stranger", suitable_task.task_id, body)
    assert answer.status_code == call.stranger, answer.text
    seen = answer.text + str(answer.headers)
    # What was asked for may be named.
    asked = json.dumps(body) + suitable_task.task_id * ("<task_id>" in name)
    assert [secret for secret in hidden if secret in seen and secret not in asked] == []
    assert (suitable_task.read()["status"], suitable_task.timeline()) == ("succeeded", before)
    if answer.status_code == 404:
        assert suitable_task.task_id not in seen
        assert told(answer) == told(ask(world, name, "Bearer kg_stranger", NOBODYS_TASK, body))


@pytest.mark.parametrize("name", CALLS)
def test_an_admin_may_do_everything(world: World, suitable_task: Story, name: str) -> None:
    call = CALLS[name]
    answer = ask(
        world, name, "Bearer kg_admin", suitable_task.task_id, body_of(call, suitable_task)
    )
    assert answer.status_code == call.admin, answer.text
    if name == "POST /v1/creations/stop":
        ask(world, "DELETE /v1/creations/stop", "Bearer kg_admin")


# --- other ways to what is somebody else's ------------------------------------------------------


@pytest.mark.parametrize("path", LISTS)
def test_only_admins_list_what_others_own(world: World, old_task: Story, path: str) -> None:
    url = f"{world.cloud.url}{path}"

    def listed(secret: str, owner: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx.get(url, headers=headers, params={"owner": owner})

    batch, endpoint = ended_batch(world), webhook_endpoint(world)
    theirs, nobodys = (listed("kg_stranger", owner) for owner in (OWNER, "nobody"))
    assert theirs.status_code == nobodys.status_code == 403
    assert told(theirs) == told(nobodys)
    seen = listed("kg_admin", OWNER)
    assert seen.status_code == 200
    assert any(one in seen.text for one in (OWNER, old_task.task_id, batch, endpoint))


@pytest.mark.parametrize(("what", "status"), [("", 200), ("/cancel", 409)])
def test_admins_reach_a_batch_by_naming_its_owner(world: World, what: str, status: int) -> None:
    path, method = f"/v1/batches/{ended_batch(world)}{what}", "POST" if what else "GET"
    headers = {"Authorization": "Bearer kg_admin"}
    url, owner = f"{world.cloud.url}{path}", {"owner": OWNER}
    answer = httpx.request(method, url, headers=headers, params=owner, timeout=20)
    assert answer.status_code == status
    headers = {"Authorization": "Bearer kg_stranger"}
    refused = httpx.request(method, url, headers=headers, params=owner, timeout=20)
    assert refused.status_code == 403


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/outputs", "/v1/credits/ledger"])
def test_anothers_cursor_leads_to_ones_own(world: World, task: Story, path: str) -> None:
    world.create("a second kite")
    world.run()
    page = world.http.get(path, params={"limit": 1}).json()
    assert page["next_cursor"] is not None
    headers = {"Authorization": "Bearer kg_stranger"}
    params = {"cursor": page["next_cursor"]}
    answer = httpx.get(f"{world.cloud.url}{path}", headers=headers, params=params)
    assert answer.status_code == 200
    assert [secret for secret in secrets_of(task) if secret in answer.text] == []


def test_anothers_work_cannot_be_imported_even_when_deleted(world: World, task: Story) -> None:
    body = body_of(CALLS["POST /v1/tasks/import"], task)
    unknown = {"items": [{"upstream_task_id": "0" * 32, "model": MODEL}]}
    for is_deleted in (False, True):
        if is_deleted:
            ask(world, "DELETE /v1/tasks/<task_id>", f"Bearer {KEY}", task.task_id)
        results = []
        for items in (body, unknown):
            answer = ask(world, "POST /v1/tasks/import", "Bearer kg_stranger", body=items)
            [result] = answer.json()["data"]
            result["problem"].pop("request_id")
            results.append(result)
        assert results[0]["status"] == 404
        assert results[0] == results[1]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        *(("veo3/1080p", "taskId"), ("veo3/4k", "taskId"), ("veo3/extend", "taskId")),
        *(("suno/wav", "taskId"), ("suno/vocal-removal", "taskId"), ("suno/cover", "taskId")),
        *(("runway/extend", "taskId"), ("grok-imagine/upscale", "task_id")),
    ],
)
def test_anothers_work_cannot_be_followed_up_even_when_deleted(
    world: World, task: Story, model: str, name: str
) -> None:
    """Whoever knew the id of a clip had it enlarged, and so had the clip."""
    upstream_task_id = task.read()["upstream"]["task_id"]
    given = {name: upstream_task_id, "prompt": "on and on", "audioId": "a", "quality": "720p"}
    body = {"model": model, "input": given, "validate": False}
    before = len(world.creations())
    for is_deleted in (False, True):
        if is_deleted:
            ask(world, "DELETE /v1/tasks/<task_id>", f"Bearer {KEY}", task.task_id)
        answer = ask(world, "POST /v1/tasks", "Bearer kg_stranger", body=body)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {"pointer": f"/input/{name}", "detail": "Kie.ai knows no such task of yours"}
        ]
    assert len(world.creations()) == before
    own = ask(world, "POST /v1/tasks", f"Bearer {KEY}", body=body)
    elsewhere = {**body, "input": {**given, name: "0" * 32}}
    others = ask(world, "POST /v1/tasks", "Bearer kg_stranger", body=elsewhere)
    assert (own.status_code, others.status_code) == (202, 202)


@pytest.mark.parametrize(
    ("model", "custom", "extension", "name"),
    [
        ("suno/generate", "customMode", "suno/extend", "audioId"),
        ("ai-music-api/generate", "custom_mode", "ai-music-api/extend", "audio_id"),
    ],
)
def test_anothers_song_cannot_be_extended_even_when_deleted(
    world: World, model: str, custom: str, extension: str, name: str
) -> None:
    """A song is extended by its own id alone; whoever knew it got the song, longer."""
    music = {"prompt": "of kites", custom: False, "instrumental": False, "model": "V5"}
    song = world.create("", model=model, input=music)
    world.run()
    outputs = song.read()["outputs"]
    track_id = outputs[1]["upstream_id"]
    assert track_id not in (None, outputs[0]["upstream_id"])
    given = {name: track_id, "model": "V5", "defaultParamFlag": False}
    body = {"model": extension, "input": given, "validate": False}
    own = ask(world, "POST /v1/tasks", f"Bearer {KEY}", body=body)
    before = len(world.creations())
    for is_deleted in (False, True):
        if is_deleted:
            ask(world, "DELETE /v1/tasks/<task_id>", f"Bearer {KEY}", song.task_id)
        answer = ask(world, "POST /v1/tasks", "Bearer kg_stranger", body=body)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {"pointer": f"/input/{name}", "detail": "Kie.ai knows no such track of yours"}
        ]
    assert (own.status_code, len(world.creations())) == (202, before)


def test_the_same_idempotency_key_of_two_owners_is_two_keys(world: World) -> None:
    tasks = []
    for secret, prompt in ((KEY, "a kite"), ("kg_stranger", "a boat")):
        answer = httpx.post(
            f"{world.cloud.url}/v1/tasks",
            json={"model": MODEL, "input": {"prompt": prompt}},
            headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "order-1"},
        )
        assert answer.status_code == 202
        assert "idempotent-replayed" not in answer.headers
        tasks.append(answer.json()["id"])
    assert len(set(tasks)) == 2
