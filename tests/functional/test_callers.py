"""Keys, limits and tokens, as callers and admins meet them."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from kie_gateway.aws.key_table import KeyTable
from kie_gateway.core.callers.api_key import Scope
from kie_gateway.oidc.token_reader import TokenReader
from tests.functional.world import KEY, MODEL, OWNER, World
from tests.keys import issue_key
from tests.oidc_issuer import AUDIENCE, Issuer

SCOPES = {
    "kg_admin": {Scope.ADMIN},
    "kg_stranger": {Scope.TASKS_READ, Scope.TASKS_WRITE},
}


@pytest.fixture(scope="module")
def whole_world() -> Iterator[World]:
    with World() as world:
        keys = KeyTable(world.cloud.client("dynamodb"), world.cloud.resources["TaskTable"])
        now = world.agenda.now()

        def issue(secret: str, owner: str, **more: Any) -> None:
            issue_key(owner, "x", keys=keys, key_id=f"key_{secret}", now=now, secret=secret, **more)

        for secret, scopes in SCOPES.items():
            owner = {"kg_admin": "root", "kg_stranger": "bob"}[secret]
            issue(secret, owner, scopes=frozenset(scopes))
        yield world


def told(answer: httpx.Response) -> dict[str, Any]:
    """The body, but for the id of the request."""
    body: dict[str, Any] = json.loads(answer.text)
    assert body.pop("request_id") == answer.headers["x-request-id"]
    return body


def change_authentication(world: World, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Set up the API as another deployment might be."""
    app = world.functions.app("ApiFunction").app
    authenticate = replace(app.use_cases.authenticate, **changes)
    monkeypatch.setattr(app, "use_cases", replace(app.use_cases, authenticate=authenticate))


# --- keys ---------------------------------------------------------------------------------------


@pytest.fixture
def admin(world: World) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer kg_admin"}
    with httpx.Client(base_url=world.cloud.url, headers=headers, timeout=20) as client:
        yield client


def status_of(world: World, secret: str, path: str = "/v1/tasks") -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return httpx.get(f"{world.cloud.url}{path}", headers=headers).status_code


def forget_keys(world: World) -> None:
    """Let the API's memory of keys run out."""
    world.gateway("ApiFunction").keys.memory.clear()


def test_a_key_is_shown_once_and_listed_without_its_secret(
    world: World, admin: httpx.Client
) -> None:
    body = {"owner": "carol", "name": "her laptop", "expires_in_days": 1}
    made = admin.post("/v1/keys", json=body)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    key = made.json()
    assert re.fullmatch(r"kg_live_[\w-]{43}", key["secret"])
    assert key["scopes"] == ["tasks:read", "tasks:write"]
    assert status_of(world, key["secret"]) == 200
    assert status_of(world, key["secret"], "/v1/keys") == 403
    listed = admin.get("/v1/keys", params={"owner": "carol"})
    assert key["secret"] not in listed.text
    [shown] = listed.json()["data"]
    assert shown == {
        **{name: value for name, value in key.items() if name != "secret"},
        "last_used_at": shown["last_used_at"],
    }
    assert shown["last_used_at"] is not None
    assert "hash" not in listed.text


def test_keys_are_listed_by_pages(world: World, admin: httpx.Client) -> None:
    made = [admin.post("/v1/keys", json={"owner": "dave", "name": str(n)}).json() for n in range(5)]
    seen: list[str] = []
    params: dict[str, str] = {"owner": "dave", "limit": "2"}
    while "cursor" not in params or params["cursor"]:
        page = admin.get("/v1/keys", params=params).json()
        seen += [key["id"] for key in page["data"]]
        assert page["has_more"] is (page["next_cursor"] is not None)
        params["cursor"] = page["next_cursor"] or ""
    assert seen == [key["id"] for key in made]


def test_a_rotated_key_stays_good_for_a_day(world: World, admin: httpx.Client) -> None:
    old = admin.post("/v1/keys", json={"owner": "erin", "name": "server"}).json()
    new = admin.post(f"/v1/keys/{old['id']}/rotate").json()
    assert (new["owner"], new["name"], new["scopes"]) == ("erin", "server", old["scopes"])
    assert new["id"] != old["id"]
    assert status_of(world, old["secret"]) == status_of(world, new["secret"]) == 200
    world.run_for(24 * 3600 - 5)
    forget_keys(world)
    assert status_of(world, old["secret"]) == 200
    world.run_for(10)
    assert status_of(world, old["secret"]) == 401
    assert status_of(world, new["secret"]) == 200
    assert admin.post(f"/v1/keys/{old['id']}/rotate").status_code == 404


def test_a_revoked_key_is_out_of_force_as_soon_as_it_is_forgotten(
    world: World, admin: httpx.Client
) -> None:
    key = admin.post("/v1/keys", json={"owner": "frank", "name": "lost"}).json()
    assert status_of(world, key["secret"]) == 200
    assert [admin.delete(f"/v1/keys/{key['id']}").status_code for _ in range(2)] == [204, 204]
    forget_keys(world)
    assert status_of(world, key["secret"]) == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"owner": "../x", "name": "x"}, "/owner"),
        ({"owner": "", "name": "x"}, "/owner"),
        ({"owner": "x", "name": ""}, "/name"),
        ({"owner": "x"}, "/name"),
        ({"owner": "x", "name": "x", "scopes": []}, "/scopes"),
        ({"owner": "x", "name": "x", "scopes": ["root"]}, "/scopes/0"),
        ({"owner": "x", "name": "x", "expires_in_days": 0}, "/expires_in_days"),
        ({"owner": "x", "name": "x", "secret": "kg_mine"}, "/secret"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_by_field(
    admin: httpx.Client, body: dict[str, Any], pointer: str
) -> None:
    answer = admin.post("/v1/keys", json=body)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("call", [("POST", "/rotate"), ("DELETE", "")])
def test_a_key_that_is_not_there_is_not_found(admin: httpx.Client, call: tuple[str, str]) -> None:
    answer = admin.request(call[0], f"/v1/keys/key_nothere{call[1]}")
    assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")


# --- limits -------------------------------------------------------------------------------------


def test_a_key_has_so_many_requests_a_minute(world: World, admin: httpx.Client) -> None:
    body = {"owner": "gina", "name": "hasty", "requests_per_minute": 3}
    key = admin.post("/v1/keys", json=body).json()
    assert key["requests_per_minute"] == 3
    headers = {"Authorization": f"Bearer {key['secret']}"}
    world.run_for(60 - world.agenda.time() % 60)
    answers = [httpx.get(f"{world.cloud.url}/v1/tasks", headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == list("21000")
    refused = answers[-1]
    assert refused.headers["ratelimit-limit"] == "3"
    assert refused.headers["ratelimit-policy"] == '"requests";q=3;w=60'
    assert refused.headers["ratelimit"] == f'"requests";r=0;t={refused.headers["retry-after"]}'
    assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]
    assert 50 <= int(refused.headers["retry-after"]) <= 60
    assert told(refused)["code"] == "too_many_requests"
    world.run_for(60)
    assert status_of(world, key["secret"]) == 200
    # Others are not counted at all.
    others = admin.get("/v1/tasks")
    assert "ratelimit-limit" not in others.headers


def test_an_owner_has_so_many_requests_a_minute_with_all_its_keys(
    world: World, admin: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = [
        admin.post("/v1/keys", json={"owner": "hank", "name": "x", **limit}).json()["secret"]
        for limit in ({}, {}, {"requests_per_minute": 1}, {"requests_per_minute": 0})
    ]
    change_authentication(world, monkeypatch, requests_per_minute=3)
    world.run_for(60 - world.agenda.time() % 60)
    one, two, own, free = ([status_of(world, secret) for _ in range(2)] for secret in secrets)
    assert (one, two, own, free) == ([200, 200], [200, 429], [200, 429], [200, 200])


def test_new_tasks_can_be_stopped_and_everything_else_goes_on(
    world: World, admin: httpx.Client
) -> None:
    body = {"model": MODEL, "input": {"prompt": "a kite"}}
    order = {"Idempotency-Key": "before-the-stop"}
    ordered = world.http.post("/v1/tasks", json=body, headers=order).json()
    task = world.create("a kite")
    stop = admin.post("/v1/creations/stop", json={"reason": "Kie.ai is being paid too much"})
    assert stop.status_code == 204
    again = world.http.post("/v1/tasks", json=body, headers=order)
    assert (again.status_code, again.json()["id"]) == (202, ordered["id"])
    refused = world.http.post("/v1/tasks", json=body)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
    assert told(refused)["code"] == "creations_stopped"
    assert "being paid too much" in refused.json()["detail"]
    created = len(world.creations())
    world.run()
    assert task.read()["status"] == "succeeded"
    assert len(world.creations()) == created
    assert admin.delete("/v1/creations/stop").status_code == 204
    assert world.http.post("/v1/tasks", json=body).status_code == 202


# --- tokens -------------------------------------------------------------------------------------


def accept_tokens(world: World, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the API take tokens of an issuer whose keys it has not read yet."""
    change_authentication(world, monkeypatch, tokens=TokenReader(issuer.url, AUDIENCE))


def test_a_token_is_as_good_as_a_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer()
    accept_tokens(world, issuer, monkeypatch)
    world.create("a kite")
    mine = issuer.sign(sub=OWNER, scope="tasks:read")
    headers = {"Authorization": f"Bearer {mine}"}
    assert httpx.get(f"{world.cloud.url}/v1/tasks", headers=headers).json()["data"]
    assert httpx.post(f"{world.cloud.url}/v1/tasks", headers=headers).status_code == 403
    assert status_of(world, issuer.sign(sub="nobody")) == 200
    # Keys are taken as before.
    assert status_of(world, KEY) == 200
    expected = told(httpx.get(f"{world.cloud.url}/v1/tasks"))
    for bad in (issuer.sign(exp=1), issuer.sign(aud="another"), "a.b.c"):
        answer = httpx.get(
            f"{world.cloud.url}/v1/tasks", headers={"Authorization": f"Bearer {bad}"}
        )
        assert (answer.status_code, told(answer)) == (401, expected)
    accept_tokens(world, issuer, monkeypatch)
    issuer.is_down = True
    assert status_of(world, mine) == 503
    issuer.close()
