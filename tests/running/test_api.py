"""The HTTP API from a caller's eyes, on the running gateway."""

import concurrent.futures
import json
import re
from typing import Any

import httpx
import pytest

from tests.running.conftest import Gateway
from tests.running.driver import accepted_creations, create, happened, settle

TASK_FIELDS = {
    *("id", "object", "status", "attention", "model", "family", "kind", "input", "metadata"),
    *("upstream", "outputs", "error", "credits", "completed_by", "parent_id", "batch_id"),
    *("retry_of", "created_at", "submitted_at", "upstream_completed_at", "completed_at"),
    *("deadline_at", "urls"),
}
BODY = {"model": "google/nano-banana", "input": {"prompt": "a kite"}}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Make sure that trouble is told as the contract wants it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told.keys() >= {"type", "title", "status", "detail", "code", "retryable", "request_id"}
    assert (told["status"], told["code"]) == (status, code)
    assert answer.headers["x-error-code"] == code
    assert answer.headers["x-request-id"] == told["request_id"]
    return told


def pointers(told: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in told["errors"]]


def test_a_created_task_says_where_and_when_to_look(gateway: Gateway) -> None:
    answer = gateway.http.post("/v1/tasks", json={**BODY, "metadata": {"user": "42"}})
    task = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{gateway.url}/v1/tasks/{task['id']}"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["x-request-id"]
    assert task.keys() >= TASK_FIELDS
    assert re.fullmatch(r"task_[0-9a-z]{26}", task["id"])
    assert (task["object"], task["metadata"]) == ("task", {"user": "42"})
    assert task["upstream"].keys() >= {"task_id", "state", "code", "message"}
    assert task["urls"].keys() >= {"self", "cancel", "refresh", "events"}
    assert task["credits"] == {"estimated": 4.0, "charged": None}
    settled = settle(gateway.http, task["id"])
    [output] = settled["outputs"]
    fields = {"index", "media", "content_type", "bytes", "sha256", "width", "height", "url"}
    assert output.keys() >= fields | {"duration_seconds"}
    assert (output["width"], output["height"]) == (1024, 1024)
    assert settled["credits"]["charged"] == 4.0


def test_the_same_key_and_body_are_the_same_task(gateway: Gateway) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first = gateway.http.post("/v1/tasks", json=BODY, headers=headers)
    again = gateway.http.post("/v1/tasks", json=BODY, headers=headers)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    other = {**BODY, "input": {"prompt": "another"}}
    problem(
        gateway.http.post("/v1/tasks", json=other, headers=headers), 422, "idempotency_key_reused"
    )


def test_one_key_is_one_task_under_any_concurrency(gateway: Gateway) -> None:
    def post(_: int) -> str:
        answer = httpx.post(
            f"{gateway.url}/v1/tasks",
            json=BODY,
            headers={**gateway.http.headers, "Idempotency-Key": "at-once"},
            timeout=30,
        )
        return str(answer.json()["id"])

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        ids = set(pool.map(post, range(10)))
    [task_id] = ids
    settle(gateway.http, task_id)
    assert accepted_creations(gateway.http, gateway.simulator, task_id) == 1


def test_a_refused_request_does_not_use_up_its_key(gateway: Gateway) -> None:
    headers = {"Idempotency-Key": "second-try"}
    problem(
        gateway.http.post("/v1/tasks", json={"model": "x"}, headers=headers),
        422,
        "validation_failed",
    )
    assert gateway.http.post("/v1/tasks", json=BODY, headers=headers).status_code == 202


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
def test_an_unusable_key_is_named(gateway: Gateway, key: str) -> None:
    answer = gateway.http.post("/v1/tasks", json=BODY, headers={"Idempotency-Key": key})
    assert pointers(problem(answer, 422, "validation_failed")) == ["/Idempotency-Key"]


def test_waiting_gives_the_end_or_what_there_is(gateway: Gateway) -> None:
    done = gateway.http.post("/v1/tasks", json=BODY, headers={"Prefer": "wait=20"})
    assert (done.status_code, done.json()["status"]) == (200, "succeeded")
    assert done.headers["preference-applied"] == "wait=20"
    slow = {**BODY, "input": {"prompt": "x [slow 5]"}}
    open_still = gateway.http.post("/v1/tasks", json=slow, headers={"Prefer": "wait=1"})
    assert open_still.status_code == 202
    task_id = open_still.json()["id"]
    assert gateway.http.get(f"/v1/tasks/{task_id}?wait=20").json()["status"] == "succeeded"
    told = problem(gateway.http.get(f"/v1/tasks/{task_id}?wait=26"), 422, "validation_failed")
    assert pointers(told) == ["/wait"]


def test_a_copy_that_is_good_is_not_sent_again(gateway: Gateway) -> None:
    task = settle(gateway.http, create(gateway.http, "a kite")["id"])
    path = f"/v1/tasks/{task['id']}"
    etag = gateway.http.get(path).headers["etag"]
    for named in (etag, f'"other", {etag}', etag.removeprefix("W/"), "*"):
        answer = gateway.http.get(path, headers={"If-None-Match": named})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert gateway.http.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_lists_page_through_everything_once(gateway: Gateway) -> None:
    ids = [create(gateway.http, f"page {n}")["id"] for n in range(5)]
    for task_id in ids:
        settle(gateway.http, task_id)
    found: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2, "cursor": cursor} if cursor else {"limit": 2}
        page = gateway.http.get("/v1/tasks", params=query).json()
        found += [task["id"] for task in page["data"]]
        cursor = page["next_cursor"]
        assert page["has_more"] is (cursor is not None)
        if cursor is None or len(found) > 400:
            break
    assert len(found) == len(set(found))
    assert found == sorted(found, reverse=True)
    assert set(ids) <= set(found)
    oldest_first = gateway.http.get("/v1/tasks", params={"order": "asc", "limit": 1}).json()
    assert oldest_first["data"][0]["id"] == found[-1]
    failed = gateway.http.get("/v1/tasks", params={"status": "failed", "limit": 100}).json()
    assert all(task["status"] == "failed" for task in failed["data"])


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"cursor": "nonsense"}, "/cursor"),
        ({"limit": 0}, "/limit"),
        ({"limit": 101}, "/limit"),
        ({"status": "odd"}, "/status"),
        ({"created_after": "yesterday"}, "/created_after"),
        ({"order": "up"}, "/order"),
    ],
)
def test_unusable_queries_are_named(gateway: Gateway, query: Any, pointer: str) -> None:
    told = problem(gateway.http.get("/v1/tasks", params=query), 422, "validation_failed")
    assert pointers(told) == [pointer]


def test_cancel_and_retry_know_their_time(gateway: Gateway) -> None:
    task = create(gateway.http, "x [slow 6]")
    canceled = gateway.http.post(f"/v1/tasks/{task['id']}/cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (202, "canceled")
    problem(gateway.http.post(f"/v1/tasks/{task['id']}/cancel"), 409, "task_settled")
    problem(gateway.http.post(f"/v1/tasks/{task['id']}/retry"), 409, "task_not_failed")
    failed = settle(gateway.http, create(gateway.http, "x [fail]")["id"])
    retried = gateway.http.post(f"/v1/tasks/{failed['id']}/retry")
    assert retried.status_code == 202
    assert retried.json()["retry_of"] == failed["id"]
    assert retried.json()["id"] != failed["id"]


def test_a_result_after_cancel_is_told_and_not_delivered(gateway: Gateway) -> None:
    task = create(gateway.http, "x [slow 2]")
    gateway.http.post(f"/v1/tasks/{task['id']}/cancel")
    for _ in range(40):
        if "webhook_duplicate" in happened(gateway.http, task["id"]):
            break
        httpx.get(f"{gateway.simulator}/sim/tasks", timeout=5)
        gateway.http.get(f"/v1/tasks/{task['id']}?wait=0")
        __import__("time").sleep(0.2)
    assert "webhook_duplicate" in happened(gateway.http, task["id"])
    assert gateway.http.get(f"/v1/tasks/{task['id']}").json()["status"] == "canceled"


def test_files_are_linked_named_and_served_in_parts(gateway: Gateway) -> None:
    task = settle(gateway.http, create(gateway.http, "a kite")["id"])
    path = f"/v1/tasks/{task['id']}/outputs/0/content"
    link = gateway.http.get(path)
    assert link.status_code == 302
    whole = httpx.get(link.headers["location"])
    assert whole.headers["content-type"] == "image/png"
    part = httpx.get(link.headers["location"], headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.content) == (206, whole.content[:8])
    assert gateway.http.head(path).status_code == 302
    saved = httpx.get(gateway.http.get(f"{path}?download=1").headers["location"])
    name = f"google-nano-banana-{task['id'].removeprefix('task_')}-0.png"
    assert saved.headers["content-disposition"] == f'attachment; filename="{name}"'
    small = httpx.get(gateway.http.get(f"{path}?w=300").headers["location"])
    assert small.headers["content-type"] == "image/webp"
    assert len(small.content) < len(whole.content)
    problem(gateway.http.get(f"/v1/tasks/{task['id']}/outputs/7/content"), 404, "output_not_found")
    listed = gateway.http.get("/v1/outputs", params={"media": "image", "limit": 1}).json()
    assert listed["data"][0]["task_id"] == task["id"]


def test_a_deleted_task_is_gone_with_its_files(gateway: Gateway) -> None:
    task = settle(gateway.http, create(gateway.http, "a kite")["id"])
    answer = gateway.http.delete(f"/v1/tasks/{task['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    for path in ("", "/events", "/outputs/0/content"):
        problem(gateway.http.get(f"/v1/tasks/{task['id']}{path}"), 404, "task_not_found")
    assert httpx.get(task["outputs"][0]["url"]).status_code == 404


def test_an_uploaded_file_may_be_used_in_the_input(gateway: Gateway) -> None:
    form = gateway.http.post("/v1/uploads", json={"content_type": "image/png", "bytes": 8}).json()
    sent = httpx.post(
        form["upload"]["url"],
        data=form["upload"]["fields"],
        files={"file": ("a.png", b"\x89PNG\r\n\x1a\n")},
    )
    assert sent.status_code == 204
    body = {
        "model": "google/nano-banana-edit",
        "input": {"prompt": "x", "image_urls": [form["reference"]]},
    }
    task = gateway.http.post("/v1/tasks", json=body).json()
    assert settle(gateway.http, task["id"])["status"] == "succeeded"
    assert task["input"]["image_urls"] == [form["reference"]]
    body["input"]["image_urls"] = ["kg-upload://upload_00000000000000000000000000.png"]  # type: ignore[index]
    told = problem(gateway.http.post("/v1/tasks", json=body), 422, "validation_failed")
    assert pointers(told) == ["/input/image_urls/0"]


def test_work_done_elsewhere_is_adopted_once(gateway: Gateway) -> None:
    created = httpx.post(
        f"{gateway.simulator}/api/v1/jobs/createTask",
        json=BODY,
        headers={"Authorization": "Bearer local"},
    ).json()
    assert created["code"] == 200, created
    upstream = created["data"]["taskId"]
    items = [
        {"model": "google/nano-banana", "upstream_task_id": upstream},
        {"model": "google/nano-banana", "upstream_task_id": "nobody"},
        {"model": "google/nano-banana", "url": "https://elsewhere.example/x.png"},
        {"model": "google/nano-banana"},
    ]
    answer = gateway.http.post("/v1/tasks/import", json={"items": items})
    assert answer.status_code == 207
    assert [one["status"] for one in answer.json()["data"]] == [201, 404, 422, 422]
    task_id = answer.json()["data"][0]["task"]["id"]
    settled = settle(gateway.http, task_id)
    assert (settled["status"], settled["completed_by"]) == ("succeeded", "import")
    again = gateway.http.post("/v1/tasks/import", json={"items": items[:1]}).json()["data"]
    assert [(one["status"], one["task"]["id"]) for one in again] == [(200, task_id)]
    link = f"{gateway.simulator}/files/{upstream}/0-1.png"
    [by_link] = gateway.http.post(
        "/v1/tasks/import", json={"items": [{"model": "google/nano-banana", "url": link}]}
    ).json()["data"]
    assert by_link["status"] == 201, by_link
    assert settle(gateway.http, by_link["task"]["id"])["status"] == "succeeded"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b'{"model": "google/nano-banana",', 400, "malformed_json"),
        (b"\xff\xfe", 400, "malformed_json"),
        (b'{"model": NaN, "input": {}}', 400, "malformed_json"),
        (b"[" * 5000, 400, "malformed_json"),
        (b"[]", 422, "validation_failed"),
        (b"", 422, "validation_failed"),
        (b'"x"', 422, "validation_failed"),
        (
            json.dumps({"model": "x", "input": {"p": "x" * 300_000}}).encode(),
            413,
            "request_too_large",
        ),
    ],
)
def test_unusable_bodies_are_problems(
    gateway: Gateway, content: bytes, status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json"}
    problem(gateway.http.post("/v1/tasks", content=content, headers=headers), status, code)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"model": None}, "/model"),
        ({"model": ""}, "/model"),
        ({"model": "no spaces please"}, "/model"),
        ({"model": "x" * 101}, "/model"),
        ({"input": "text"}, "/input"),
        ({"input": {"prompt": "x", "aspect_ratio": "7:1"}}, "/input/aspect_ratio"),
        ({"input": {"prompt": "x", "callBackUrl": "https://e.org"}}, "/input"),
        ({"metadata": []}, "/metadata"),
        ({"deadline_seconds": 5}, "/deadline_seconds"),
        ({"deadline_seconds": "60"}, "/deadline_seconds"),
        ({"retention_days": 0}, "/retention_days"),
        ({"odd": 1}, "/odd"),
    ],
)
def test_each_wrong_field_is_named(gateway: Gateway, change: Any, pointer: str) -> None:
    told = problem(
        gateway.http.post("/v1/tasks", json={**BODY, **change}), 422, "validation_failed"
    )
    assert pointers(told) == [pointer]


def test_unknown_places_and_tasks_are_problems(gateway: Gateway) -> None:
    problem(gateway.http.get("/v1/nothing"), 404, "no_such_route")
    unknown = "/v1/tasks/task_00000000000000000000000000"
    for method, path in (
        ("GET", unknown),
        ("GET", f"{unknown}/events"),
        ("POST", f"{unknown}/cancel"),
        ("POST", f"{unknown}/refresh"),
        ("POST", f"{unknown}/retry"),
        ("DELETE", unknown),
    ):
        problem(gateway.http.request(method, path), 404, "task_not_found")


def test_without_a_key_all_are_told_the_same(gateway: Gateway) -> None:
    told = []
    for headers in ({}, {"Authorization": "Bearer kg_wrong"}, {"Authorization": "Basic eA=="}):
        answer = httpx.get(f"{gateway.url}/v1/tasks", headers=headers)
        body = problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        told.append({name: value for name, value in body.items() if name != "request_id"})
    assert told[0] == told[1] == told[2]


def test_open_places_need_no_key(gateway: Gateway) -> None:
    health = httpx.get(f"{gateway.url}/v1/health")
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    assert httpx.get(f"{gateway.url}/v1/openapi.json").json()["openapi"].startswith("3.")
    page = httpx.get(f"{gateway.url}/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(r"(src|href)=.https?://", page.text)


def test_pages_of_other_origins_may_call(gateway: Gateway) -> None:
    origin = {"Origin": "https://app.example.com"}
    asked = {"Access-Control-Request-Method": "POST"} | {
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key"
    }
    preflight = httpx.options(f"{gateway.url}/v1/tasks", headers={**origin, **asked})
    assert preflight.status_code in (200, 204)
    assert preflight.headers["access-control-allow-origin"] in ("*", origin["Origin"])
    answer = gateway.http.get("/v1/tasks?limit=1", headers=origin)
    exposed = answer.headers["access-control-expose-headers"].lower()
    for name in ("location", "retry-after", "etag", "x-request-id"):
        assert name in exposed


def test_no_secret_is_written_anywhere(gateway: Gateway) -> None:
    task = settle(gateway.http, create(gateway.http, "x [webhook forged]")["id"])
    told = json.dumps(gateway.http.get(f"/v1/tasks/{task['id']}/events").json()) + json.dumps(task)
    log = gateway.log.read_text(errors="replace")
    for secret in ("local-webhook-key", "sim-history-token", "Bearer"):
        assert secret not in told
        assert secret not in log.replace("Authorization: Bearer kg_local_dev", "")
    assert re.findall(rf"callbacks/kie/{task['id']}/(?!\*)", log) == []
