"""What the HTTP API refuses, to whom, and in which words; on the running gateway."""

import json
import re
import sqlite3
from contextlib import closing
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from tests.running.conftest import KIE_API_KEY, KIE_WEBHOOK_HMAC_KEY
from tests.running.described import Described
from tests.running.driver import create, problem, settle
from tests.running.gateway import Gateway

BODY = {"model": "google/nano-banana", "input": {"prompt": "a kite"}}
UNKNOWN = "task_00000000000000000000000000"
ORIGIN = {"Origin": "https://app.example.com"}
EVERY_ROUTE_OF_A_TASK = (
    ("GET", ""),
    ("GET", "/events"),
    ("GET", "/outputs/0/content"),
    ("POST", "/refresh"),
    ("POST", "/cancel"),
    ("POST", "/retry"),
    ("DELETE", ""),
)


def without_request_id(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "request_id"}


# --- bodies and fields --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b'{"model": "google/nano-banana",', 400, "malformed_json"),
        (b'{"model": "\xff"}', 400, "malformed_json"),
        (b"\xff\xfe", 400, "malformed_json"),
        (b'{"model": NaN, "input": {}}', 400, "malformed_json"),
        (b'{"model": "x", "input": {"n": 1e999}}', 400, "malformed_json"),
        (b'{"model": "x", "input": {"p": "\\ud800"}}', 400, "malformed_json"),
        (b'{"model": "x", "input": {"n": %s}}' % (b"9" * 5000), 400, "malformed_json"),
        (b"[" * 5000, 400, "malformed_json"),
        (b"[" * 100_000 + b"]" * 100_000, 400, "malformed_json"),
        (b'{"model": "x", "input": {"p": "%s"}}' % (b"x" * 262_144), 413, "request_too_large"),
        (b"[]", 422, "validation_failed"),
        (b"null", 422, "validation_failed"),
        (b"", 422, "validation_failed"),
        (b'"x"', 422, "validation_failed"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_unusable_bodies_are_problems(
    caller: httpx.Client, content: bytes, status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = caller.post("/v1/tasks", content=content, headers=headers)
    problem(answer, status, code, pointers=[] if status == 413 else [""])


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "no type at all",
    ],
)
def test_bodies_of_another_type_are_problems(caller: httpx.Client, kind: str) -> None:
    answer = caller.post(
        "/v1/tasks", content=json.dumps(BODY).encode(), headers={"Content-Type": kind}
    )
    problem(answer, 415, "unsupported_content_type")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"model": None}, "/model"),
        ({"model": 5}, "/model"),
        ({"model": ""}, "/model"),
        ({"model": "no spaces please"}, "/model"),
        ({"model": "../up"}, "/model"),
        ({"model": "x" * 101}, "/model"),
        ({"input": "text"}, "/input"),
        ({"input": None}, "/input"),
        ({"input": {"prompt": "x", "aspect_ratio": "7:1"}}, "/input/aspect_ratio"),
        ({"input": {"prompt": "x", "callBackUrl": "https://e.org"}}, "/input"),
        ({"input": {"prompt": "x", "a": json.loads("[" * 300 + "]" * 300)}}, "/input/a"),
        ({"metadata": []}, "/metadata"),
        ({"metadata": {str(n): n for n in range(51)}}, "/metadata"),
        ({"metadata": {"note": "ü" * 8200}}, "/metadata"),
        ({"deadline_seconds": 9}, "/deadline_seconds"),
        ({"deadline_seconds": 604_801}, "/deadline_seconds"),
        ({"deadline_seconds": "60"}, "/deadline_seconds"),
        ({"deadline_seconds": 60.5}, "/deadline_seconds"),
        ({"deadline_seconds": True}, "/deadline_seconds"),
        ({"retention_days": 0}, "/retention_days"),
        ({"validate": "no"}, "/validate"),
        ({"odd": 1}, "/odd"),
        ({"a/b~c": 1}, "/a~1b~0c"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_each_wrong_field_is_named(caller: httpx.Client, change: Any, pointer: str) -> None:
    answer = caller.post("/v1/tasks", json={**BODY, **change})
    told = problem(answer, 422, "validation_failed", pointers=[pointer])
    assert all(fault["detail"] for fault in told["errors"])
    assert len(answer.content) < 1000


def test_all_wrong_fields_are_named_at_once(caller: httpx.Client) -> None:
    answer = caller.post("/v1/tasks", json={"metadata": 1, "odd": 2})
    problem(answer, 422, pointers=["/model", "/input", "/metadata", "/odd"])


@pytest.mark.parametrize(
    "key", ["", "with space", "tab\tin it", "x" * 256, "é"], ids=lambda key: repr(key)[:12]
)
def test_an_unusable_idempotency_key_is_named(caller: httpx.Client, key: str) -> None:
    headers = httpx.Headers({"Idempotency-Key": key}, encoding="utf-8")
    answer = caller.post("/v1/tasks", json=BODY, headers=headers)
    problem(answer, 422, "validation_failed", pointers=["/Idempotency-Key"])


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("cursor=nonsense", "/cursor"),
        ("cursor=", "/cursor"),
        ("cursor=YWZ0ZXI6dGFza194", "/cursor"),
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=ten", "/limit"),
        ("status=odd", "/status"),
        ("created_after=yesterday", "/created_after"),
        ("created_before=2026-13-01", "/created_before"),
        ("order=up", "/order"),
        ("owner=", "/owner"),
        ("owner=no%20name", "/owner"),
        ("model=", "/model"),
        ("batch_id=", "/batch_id"),
        ("parent_id=", "/parent_id"),
    ],
)
def test_unusable_queries_are_named(caller: httpx.Client, query: str, pointer: str) -> None:
    problem(caller.get(f"/v1/tasks?{query}"), 422, "validation_failed", pointers=[pointer])


def test_an_unusable_owner_is_named_in_every_list(caller: httpx.Client) -> None:
    for path in ("tasks", "outputs", "keys", "credits", "credits/ledger"):
        answer = caller.get(f"/v1/{path}?owner=")
        problem(answer, 422, "validation_failed", pointers=["/owner"])


@pytest.mark.parametrize("wait", ["26", "-1", "soon", '"1'])
def test_unusable_waits_are_named(caller: httpx.Client, wait: str) -> None:
    problem(caller.get(f"/v1/tasks/{UNKNOWN}?wait={wait}"), 422, pointers=["/wait"])


# --- places and methods -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/tasks/", "//v1/tasks", "/v1", "/v1/tasks/%00"]
)
def test_unknown_places_are_problems(caller: httpx.Client, path: str) -> None:
    problem(caller.get(path), 404, "no_such_route")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/tasks", "GET, HEAD, POST"),
        ("PATCH", f"/v1/tasks/{UNKNOWN}", "DELETE, GET, HEAD"),
        ("GET", f"/v1/tasks/{UNKNOWN}/cancel", "POST"),
        ("HEAD", f"/v1/tasks/{UNKNOWN}/cancel", "POST"),
        ("POST", "/v1/health", "GET, HEAD"),
        ("OPTIONS", "/v1/tasks", "GET, HEAD, POST"),
    ],
)
def test_wrong_methods_are_told_the_right_ones(
    caller: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = caller.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        problem(answer, 405, "method_not_allowed")


@pytest.mark.parametrize(("method", "path"), EVERY_ROUTE_OF_A_TASK)
def test_unknown_tasks_are_problems(caller: httpx.Client, method: str, path: str) -> None:
    problem(caller.request(method, f"/v1/tasks/{UNKNOWN}{path}"), 404, "task_not_found")


# --- who may ------------------------------------------------------------------------------------


def test_without_a_key_all_are_told_the_same(gateway: Gateway, described: Described) -> None:
    told = []
    with described.client(gateway.url, "") as anyone:
        for value in ("", "Bearer", "Bearer kg_wrong", "Basic eA==", "kg_local_dev"):
            for path in ("/v1/tasks", "/v1/nothing", f"/v1/tasks/{UNKNOWN}"):
                answer = anyone.get(path, headers={"Authorization": value})
                told.append(without_request_id(problem(answer, 401, "unauthorized")))
                assert answer.headers["www-authenticate"].startswith("Bearer")
    assert all(one == told[0] for one in told)


def test_a_task_of_another_owner_does_not_exist(
    caller: httpx.Client, stranger: httpx.Client
) -> None:
    create(caller, "an older one [fail]")
    task = settle(caller, create(caller, "mine", metadata={"mine": True})["id"])
    for method, path in EVERY_ROUTE_OF_A_TASK:
        theirs = stranger.request(method, f"/v1/tasks/{task['id']}{path}")
        nobodys = stranger.request(method, f"/v1/tasks/{UNKNOWN}{path}")
        assert without_request_id(problem(theirs, 404, "task_not_found")) == without_request_id(
            nobodys.json()
        )
    assert stranger.get("/v1/tasks").json()["data"] == []
    assert stranger.get("/v1/outputs").json()["data"] == []
    cursor = caller.get("/v1/tasks?limit=1").json()["next_cursor"]
    assert stranger.get(f"/v1/tasks?cursor={cursor}").json()["data"] == []
    assert caller.get(f"/v1/tasks/{task['id']}").json()["metadata"] == {"mine": True}


def test_another_owners_idempotency_key_is_another_key(
    caller: httpx.Client, stranger: httpx.Client
) -> None:
    headers = {"Idempotency-Key": "shared"}
    mine, theirs = (one.post("/v1/tasks", json=BODY, headers=headers) for one in (caller, stranger))
    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json()["id"] != theirs.json()["id"]
    stranger.delete(f"/v1/tasks/{theirs.json()['id']}")


def test_open_places_need_no_key(gateway: Gateway, described: Described) -> None:
    with described.client(gateway.url, "kg_wrong") as anyone:
        health = anyone.get("/v1/health")
        assert (health.status_code, health.json()["status"]) == (200, "ok")
        assert anyone.get("/v1/openapi.json").json()["openapi"].startswith("3.")
        assert anyone.get("/").headers["location"] == "/docs"


class References(HTMLParser):
    """Whatever a page would load or lead to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"src", "href", "action"}]


def test_the_documentation_loads_nothing_from_elsewhere(gateway: Gateway) -> None:
    page = httpx.get(f"{gateway.url}/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert References(page.text).found == []
    assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", page.text) == []
    assert "/v1/tasks/{task_id}/cancel" in page.text


# --- pages of other origins ---------------------------------------------------------------------


def test_preflights_are_answered(gateway: Gateway) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,prefer",
    }
    answer = httpx.options(f"{gateway.url}/v1/tasks", headers={**ORIGIN, **asked})
    assert answer.status_code in (200, 204)
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN["Origin"])
    allowed = answer.headers["access-control-allow-headers"].lower().split(",")
    assert set(asked["Access-Control-Request-Headers"].split(",")) <= set(allowed)
    assert {"GET", "POST", "DELETE"} <= set(
        answer.headers["access-control-allow-methods"].split(",")
    )


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/nothing", f"/v1/tasks/{UNKNOWN}?wait=x"])
def test_answers_may_be_read_with_all_that_matters(caller: httpx.Client, path: str) -> None:
    answer = caller.get(path, headers=ORIGIN)
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN["Origin"])
    exposed = answer.headers["access-control-expose-headers"].lower().split(",")
    assert {"location", "retry-after", "etag", "x-request-id", "x-error-code"} <= set(exposed)
    assert {"idempotent-replayed", "preference-applied"} <= set(exposed)


# --- secrets ------------------------------------------------------------------------------------


def callback_tokens(gateway: Gateway) -> set[str]:
    """Read the tokens where Kie.ai got them: from the callback URLs."""
    with closing(sqlite3.connect(gateway.state / "kie" / "kie.sqlite3")) as simulator:
        urls = simulator.execute("SELECT callback_url FROM creations").fetchall()
    return {url.rpartition("/")[2] for (url,) in urls if url}


def test_no_secret_is_told_or_written_anywhere(
    gateway: Gateway, caller: httpx.Client, described: Described, other_key: str
) -> None:
    dials = ("[webhook forged]", "[webhook unreadable]", "[webhook x5]", "[create drop]", "[fail]")
    tasks = [create(caller, f"x {dial}")["id"] for dial in dials]
    for task_id in tasks:
        settle(caller, task_id)
        caller.get(f"/v1/tasks/{task_id}/events")
    tokens = callback_tokens(gateway)
    assert len(tokens) >= len(tasks)
    secrets = {KIE_API_KEY, KIE_WEBHOOK_HMAC_KEY, other_key, "sim-history-token", *tokens}
    started, _, log = gateway.log.read_text().partition("key  kg_local_dev")
    files = [path.read_bytes() for path in (gateway.state / "files").rglob("*") if path.is_file()]
    places = {
        "answers": "".join(described.answers),
        "log": started.replace("Bearer kg_local_dev", "") + log,
        "files": b"".join(files).decode("latin-1"),
    }
    assert all(places.values())
    for place, text in places.items():
        assert [secret for secret in secrets if secret in text] == [], place
        assert "kg_local_dev" not in text
    assert "X-Amz-Signature" not in places["log"]
