"""The HTTP API from a caller's eyes: tasks and what is done with them, on the running gateway."""

import concurrent.futures
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.running.driver import accepted_creations, create, happened, problem, settle
from tests.running.gateway import Gateway

BODY = {"model": "google/nano-banana", "input": {"prompt": "a kite"}}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
NONE = type(None)

TASK: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("id", "object", "status", "model", "family", "kind"), (str,)),
    **dict.fromkeys(("input", "metadata", "upstream", "credits", "urls"), (dict,)),
    **dict.fromkeys(("attention", "completed_by", "parent_id", "batch_id"), (str, NONE)),
    **dict.fromkeys(("submitted_at", "upstream_completed_at", "completed_at"), (str, NONE)),
    **dict.fromkeys(("created_at", "deadline_at"), (str,)),
    "retry_of": (str, NONE),
    "outputs": (list,),
    "error": (dict, NONE),
}
OUTPUT: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("media", "content_type", "sha256", "url"), (str,)),
    **dict.fromkeys(("index", "bytes"), (int,)),
    **dict.fromkeys(("width", "height"), (int, NONE)),
    "duration_seconds": (float, int, NONE),
}
PARTS: dict[str, dict[str, tuple[type, ...]]] = {
    "upstream": dict.fromkeys(("task_id", "state", "code", "message"), (str, NONE)),
    "credits": dict.fromkeys(("estimated", "charged"), (float, int, NONE)),
    "urls": dict.fromkeys(("self", "cancel", "refresh", "events"), (str,)),
    "error": {**dict.fromkeys(("code", "category", "message"), (str,)), "retryable": (bool,)},
}


def assert_shaped(value: dict[str, Any], fields: dict[str, tuple[type, ...]]) -> None:
    assert value.keys() >= fields.keys()
    odd = {name: value[name] for name, kinds in fields.items() if type(value[name]) not in kinds}
    assert odd == {}


def assert_a_task(task: dict[str, Any]) -> None:
    """Make sure that every field of the contract is there, in its shape."""
    assert_shaped(task, TASK)
    for name, fields in PARTS.items():
        if task[name] is not None:
            assert_shaped(task[name], fields)
    for output in task["outputs"]:
        assert_shaped(output, OUTPUT)
    for name, value in task.items():
        if name.endswith("_at") and value is not None:
            assert MOMENT.fullmatch(value), name


@pytest.fixture(scope="module")
def settled(gateway: Gateway, caller: httpx.Client) -> dict[str, Any]:
    task = create(caller, "a kite", metadata={"user": "42"})
    return settle(caller, task["id"])


@pytest.fixture(scope="module")
def failed(gateway: Gateway, caller: httpx.Client) -> dict[str, Any]:
    return settle(caller, create(caller, "x [fail]")["id"])


# --- creating -----------------------------------------------------------------------------------


def test_a_created_task_says_where_and_when_to_look(gateway: Gateway, caller: httpx.Client) -> None:
    answer = caller.post("/v1/tasks", json={**BODY, "metadata": {"user": "42"}})
    task = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{gateway.url}/v1/tasks/{task['id']}"
    assert task["urls"] == {
        "self": answer.headers["location"],
        **{
            f"{word}": f"{answer.headers['location']}/{word}"
            for word in ("cancel", "refresh", "events")
        },
    }
    assert int(answer.headers["retry-after"]) >= 1
    assert_a_task(task)
    assert re.fullmatch(r"task_[0-9a-z]{26}", task["id"])
    assert (task["object"], task["kind"], task["family"]) == ("task", "image", "market")
    assert (task["input"]["prompt"], task["metadata"]) == ("a kite", {"user": "42"})
    lifetime = datetime.fromisoformat(task["deadline_at"]) - datetime.fromisoformat(
        task["created_at"]
    )
    assert lifetime.total_seconds() == 90


def test_ended_tasks_have_every_field_and_no_time_to_come_back(
    caller: httpx.Client, settled: dict[str, Any], failed: dict[str, Any]
) -> None:
    for task in (settled, failed):
        answer = caller.get(f"/v1/tasks/{task['id']}")
        assert "retry-after" not in answer.headers
        assert_a_task(answer.json())
    assert (settled["credits"]["charged"], settled["error"]) == (4.0, None)
    [output] = settled["outputs"]
    assert (output["index"], output["media"], output["width"]) == (0, "image", 1024)
    assert (failed["outputs"], failed["credits"]["charged"]) == ([], None)


def test_new_requests_have_ids_of_their_own(caller: httpx.Client) -> None:
    ids = {caller.get("/v1/health").headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("content", "kind", "prompt"),
    [
        (
            b'{"model": "a", "model": "x/y", "input": {"prompt": "last"}}',
            "application/json",
            "last",
        ),
        (
            '{"model": "x/y", "input": {"prompt": "🪁 \\u0000"}}'.encode(),
            "Application/JSON",
            "🪁 \0",
        ),
        (b'{"model": "x/y", "input": {"prompt": "x"}}', "application/json; charset=utf-8", "x"),
    ],
    ids=["the last of two equal names counts", "any character", "type with a charset"],
)
def test_unusual_json_is_json(caller: httpx.Client, content: bytes, kind: str, prompt: str) -> None:
    answer = caller.post("/v1/tasks", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 202
    assert (answer.json()["model"], answer.json()["input"]) == ("x/y", {"prompt": prompt})


def test_odd_values_come_back_as_they_were_sent(caller: httpx.Client) -> None:
    nested: Any = "deep"
    for _ in range(100):
        nested = [nested]
    metadata = {"big": 10**30, "small": 1e-30, "": None, "nested": nested, "a/b~c": [1, True, "ü"]}
    task = create(caller, "x [fail]", metadata=metadata)
    assert caller.get(f"/v1/tasks/{task['id']}").json()["metadata"] == metadata


# --- idempotency --------------------------------------------------------------------------------


def test_the_same_key_and_body_are_the_same_task(caller: httpx.Client) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first = caller.post("/v1/tasks", json=BODY, headers=headers)
    again = caller.post("/v1/tasks", json=BODY, headers=headers)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    other = {**BODY, "input": {"prompt": "another"}}
    answer = caller.post("/v1/tasks", json=other, headers=headers)
    problem(answer, 422, "idempotency_key_reused")


def test_the_same_body_in_other_words_is_the_same_request(caller: httpx.Client) -> None:
    headers = {"Idempotency-Key": "spelled-twice", "Content-Type": "application/json"}
    first = caller.post("/v1/tasks", json=BODY, headers=headers)
    spelled = b'{"input" : {"prompt":"a kit\\u0065"},\n "model":"google/nano-banana"}'
    again = caller.post("/v1/tasks", content=spelled, headers=headers)
    assert again.json()["id"] == first.json()["id"]


def test_one_key_is_one_task_under_any_concurrency(gateway: Gateway, caller: httpx.Client) -> None:
    headers = {"Idempotency-Key": "~" * 255}
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(lambda _: caller.post("/v1/tasks", json=BODY, headers=headers), range(10))
        )
    assert {answer.status_code for answer in answers} == {202}
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    [task_id] = {answer.json()["id"] for answer in answers}
    settle(caller, task_id)
    assert accepted_creations(caller, gateway.simulator, task_id) == 1


def test_a_refused_request_does_not_use_up_its_key(caller: httpx.Client) -> None:
    headers = {"Idempotency-Key": "second-try"}
    problem(caller.post("/v1/tasks", json={"model": "x"}, headers=headers), 422)
    answer = caller.post("/v1/tasks", json=BODY, headers=headers)
    assert answer.status_code == 202
    assert "idempotent-replayed" not in answer.headers


def test_a_retry_with_a_key_is_one_retry(caller: httpx.Client, failed: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "retry-once"}
    path = f"/v1/tasks/{failed['id']}/retry"
    first, again = (caller.post(path, headers=headers) for _ in range(2))
    assert (first.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["idempotent-replayed"] == "true"


# --- waiting and looking ------------------------------------------------------------------------


def test_waiting_gives_the_end_or_what_there_is(caller: httpx.Client) -> None:
    slow = {**BODY, "input": {"prompt": "x [slow 4]"}}
    # A preference longer than the gateway's limit is shortened, as preferences may be.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        short = pool.submit(caller.post, "/v1/tasks", json=slow, headers={"Prefer": "wait=1"})
        long = pool.submit(caller.post, "/v1/tasks", json=BODY, headers={"Prefer": "wait=100"})
    done, open_still = long.result(), short.result()
    assert (done.status_code, done.json()["status"]) == (200, "succeeded")
    assert done.headers["preference-applied"] == "wait=25"
    assert "location" not in done.headers
    assert (open_still.status_code, open_still.json()["status"]) == (202, "running")
    assert open_still.headers["preference-applied"] == "wait=1"
    assert int(open_still.headers["retry-after"]) >= 1
    began = time.monotonic()
    looked = caller.get(open_still.headers["location"], params={"wait": 20})
    assert (looked.status_code, looked.json()["status"]) == (200, "succeeded")
    assert time.monotonic() - began < 19


def test_preferences_that_are_none_are_left_out(caller: httpx.Client) -> None:
    for word in ("foo;wait", "wait=soon", "respond-async", "wait=-1"):
        answer = caller.post(
            "/v1/tasks",
            json={"model": "a/b", "input": {}},
            headers={"Prefer": word, "Idempotency-Key": "preferences"},
        )
        assert answer.status_code == 202
        assert "preference-applied" not in answer.headers


def test_a_copy_that_is_good_is_not_sent_again(
    caller: httpx.Client, settled: dict[str, Any]
) -> None:
    path = f"/v1/tasks/{settled['id']}"
    etag = caller.get(path).headers["etag"]
    for named in (etag, f'"other", {etag}', etag.removeprefix("W/"), "*"):
        answer = caller.get(path, headers={"If-None-Match": named})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert caller.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_task_that_has_changed_has_another_etag(caller: httpx.Client) -> None:
    task = create(caller, "x [slow 30]")
    path = f"/v1/tasks/{task['id']}"
    etag = caller.get(path).headers["etag"]
    assert caller.get(path, headers={"If-None-Match": etag}).status_code == 304
    caller.post(f"{path}/cancel")
    answer = caller.get(path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert answer.headers["etag"] != etag


def test_head_tells_what_get_would(caller: httpx.Client, settled: dict[str, Any]) -> None:
    path = f"/v1/tasks/{settled['id']}"
    head, got = caller.head(path), caller.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == got.headers["etag"]


# --- lists --------------------------------------------------------------------------------------


def pages(caller: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    """Follow the cursors to the end."""
    found: list[dict[str, Any]] = []
    while True:
        page = caller.get("/v1/tasks", params=query).json()
        assert page["object"] == "list"
        assert len(page["data"]) <= query.get("limit", 20)
        assert page["has_more"] is (page["next_cursor"] is not None)
        found += page["data"]
        if not page["has_more"]:
            return found
        query["cursor"] = page["next_cursor"]


def await_listed(caller: httpx.Client, newest: str) -> None:
    await_list(caller, lambda ids: ids[:1] == [newest])


def await_list(caller: httpx.Client, is_told: Callable[[list[str]], bool]) -> None:
    """Lists come from an index, which is a little late, as on AWS."""
    for _ in range(200):
        if is_told([task["id"] for task in pages(caller, limit=100)]):
            return
        time.sleep(0.05)
    raise AssertionError("the list does not follow")


def test_lists_page_through_everything_once(
    caller: httpx.Client, settled: dict[str, Any], failed: dict[str, Any]
) -> None:
    newest = create(caller, "x [fail]")["id"]
    await_listed(caller, newest)
    ids = [task["id"] for task in pages(caller, limit=3)]
    assert ids[0] == newest
    assert ids == sorted(set(ids), reverse=True)
    assert {settled["id"], failed["id"]} <= set(ids)
    assert [task["id"] for task in pages(caller, limit=4, order="asc")] == ids[::-1]


def test_lists_are_narrowed(caller: httpx.Client, settled: dict[str, Any]) -> None:
    odd = caller.post("/v1/tasks", json={"model": "nobody/knows-it", "input": {}}).json()
    await_listed(caller, odd["id"])
    every = {task["id"]: task for task in pages(caller, limit=100)}
    assert [task["id"] for task in pages(caller, model="nobody/knows-it")] == [odd["id"]]
    failures = [task["id"] for task in pages(caller, status="failed", limit=2)]
    # What earlier tests left under way may fail while the lists are read, and stays so.
    known = [i for i, task in every.items() if task["status"] == "failed"]
    later = {task["id"]: task["status"] for task in pages(caller, limit=100)}
    assert failures == [i for i in later if i in failures]
    assert set(known) <= set(failures) <= {i for i, st in later.items() if st == "failed"}
    at = settled["created_at"]
    after = [task["id"] for task in pages(caller, created_after=at, limit=3)]
    before = [task["id"] for task in pages(caller, created_before=at, limit=3)]
    assert after == [i for i, task in every.items() if task["created_at"] > at]
    assert before == [i for i, task in every.items() if task["created_at"] < at]
    assert pages(caller, batch_id="nothing") == pages(caller, parent_id="nothing") == []


# --- what is done with tasks --------------------------------------------------------------------


def test_cancel_and_retry_know_their_time(
    caller: httpx.Client, settled: dict[str, Any], failed: dict[str, Any]
) -> None:
    task = create(caller, "x [slow 6]")
    problem(caller.post(f"/v1/tasks/{task['id']}/retry"), 409, "task_not_failed")
    canceled = caller.post(f"/v1/tasks/{task['id']}/cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (202, "canceled")
    assert_a_task(canceled.json())
    for one in (task, settled, failed):
        problem(caller.post(f"/v1/tasks/{one['id']}/cancel"), 409, "task_settled")
    for one in (task, settled):
        problem(caller.post(f"/v1/tasks/{one['id']}/retry"), 409, "task_not_failed")
    retried = caller.post(f"/v1/tasks/{failed['id']}/retry")
    assert (retried.status_code, retried.json()["retry_of"]) == (202, failed["id"])
    assert retried.headers["location"].endswith(retried.json()["id"])
    assert retried.json()["id"] != failed["id"]
    assert retried.json()["input"] == failed["input"]
    assert caller.get(f"/v1/tasks/{failed['id']}").json() == failed


def test_a_result_after_cancel_is_told_and_not_delivered(caller: httpx.Client) -> None:
    task = create(caller, "x [slow 2]")
    caller.post(f"/v1/tasks/{task['id']}/cancel")
    until = time.monotonic() + 30
    while "webhook_duplicate" not in happened(caller, task["id"]):
        assert time.monotonic() < until
        time.sleep(0.2)
    late = caller.get(f"/v1/tasks/{task['id']}").json()
    assert (late["status"], late["outputs"]) == ("canceled", [])


def test_refresh_asks_and_settles_and_never_creates(
    gateway: Gateway, caller: httpx.Client, settled: dict[str, Any]
) -> None:
    again = caller.post(f"/v1/tasks/{settled['id']}/refresh")
    assert (again.status_code, again.json()["status"]) == (200, "succeeded")
    task = create(caller, "x [webhook lost] [slow 1]")
    early = caller.post(f"/v1/tasks/{task['id']}/refresh")
    assert (early.status_code, early.json()["status"]) == (200, "running")
    assert int(early.headers["retry-after"]) >= 1
    assert "kie_asked" in happened(caller, task["id"])
    time.sleep(1.2)
    late = caller.post(f"/v1/tasks/{task['id']}/refresh", headers={"Prefer": "wait=10"})
    assert (late.json()["status"], late.json()["completed_by"]) == ("succeeded", "refresh")
    for one in (task, settled):
        assert accepted_creations(caller, gateway.simulator, one["id"]) == 1


def test_events_tell_the_story_in_order(caller: httpx.Client, settled: dict[str, Any]) -> None:
    events = caller.get(f"/v1/tasks/{settled['id']}/events").json()["data"]
    assert [event["type"] for event in events] == [
        "created",
        "submission_started",
        "submitted",
        "webhook_accepted",
        "storing_started",
        "stored",
        "succeeded",
    ]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert all(event["message"] for event in events)


def test_a_deleted_task_is_gone_with_its_files(caller: httpx.Client) -> None:
    task = settle(caller, create(caller, "a kite")["id"])
    answer = caller.delete(f"/v1/tasks/{task['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    for path in ("", "/events", "/outputs/0/content"):
        problem(caller.get(f"/v1/tasks/{task['id']}{path}"), 404, "task_not_found")
    await_list(caller, lambda ids: task["id"] not in ids)
    assert httpx.get(task["outputs"][0]["url"]).status_code == 404


# --- files --------------------------------------------------------------------------------------


def test_files_are_linked_named_and_served_in_parts(
    caller: httpx.Client, settled: dict[str, Any]
) -> None:
    path = f"/v1/tasks/{settled['id']}/outputs/0/content"
    link = caller.get(path)
    assert (link.status_code, link.content) == (302, b"")
    assert link.headers["cache-control"] == "no-store"
    whole = httpx.get(link.headers["location"])
    assert whole.headers["content-type"] == "image/png"
    assert len(whole.content) == settled["outputs"][0]["bytes"]
    part = httpx.get(link.headers["location"], headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.content) == (206, whole.content[:8])
    assert part.headers["content-range"] == f"bytes 0-7/{len(whole.content)}"
    assert caller.head(path).status_code == 302
    saved = httpx.get(caller.get(f"{path}?download=1").headers["location"])
    name = f"google-nano-banana-{settled['id'].removeprefix('task_')}-0.png"
    assert saved.headers["content-disposition"] == f'attachment; filename="{name}"'
    small = httpx.get(caller.get(f"{path}?w=300").headers["location"])
    assert small.headers["content-type"] == "image/webp"
    assert len(small.content) < len(whole.content)
    listed = caller.get("/v1/outputs", params={"media": "image", "limit": 100}).json()
    assert settled["id"] in {one["task_id"] for one in listed["data"]}


@pytest.mark.parametrize(("index", "status"), [("1", 404), ("-1", 404), ("first", 422)])
def test_outputs_that_are_not_there(
    caller: httpx.Client, settled: dict[str, Any], index: str, status: int
) -> None:
    code = {404: "output_not_found", 422: "validation_failed"}[status]
    problem(caller.get(f"/v1/tasks/{settled['id']}/outputs/{index}/content"), status, code)


def test_an_uploaded_file_may_be_used_in_the_input(caller: httpx.Client) -> None:
    form = caller.post("/v1/uploads", json={"content_type": "image/png", "bytes": 8}).json()
    sent = httpx.post(
        form["upload"]["url"],
        data=form["upload"]["fields"],
        files={"file": ("a.png", b"\x89PNG\r\n\x1a\n")},
    )
    assert sent.status_code == 204
    body: dict[str, Any] = {
        "model": "google/nano-banana-edit",
        "input": {"prompt": "x", "image_urls": [form["reference"]]},
    }
    task = caller.post("/v1/tasks", json=body).json()
    assert settle(caller, task["id"])["status"] == "succeeded"
    assert task["input"]["image_urls"] == [form["reference"]]
    body["input"]["image_urls"] = ["kg-upload://upload_00000000000000000000000000.png"]
    problem(caller.post("/v1/tasks", json=body), 422, pointers=["/input/image_urls/0"])


def test_work_done_elsewhere_is_adopted_once(gateway: Gateway, caller: httpx.Client) -> None:
    upstream = httpx.post(
        f"{gateway.simulator}/api/v1/jobs/createTask",
        json=BODY,
        headers={"Authorization": f"Bearer {gateway.kie_api_key}"},
    ).json()["data"]["taskId"]
    items = [
        {"model": "google/nano-banana", "upstream_task_id": upstream},
        {"model": "google/nano-banana", "upstream_task_id": "nobody"},
        {"model": "google/nano-banana", "url": "https://elsewhere.example/x.png"},
        {"model": "google/nano-banana"},
    ]
    answer = caller.post("/v1/tasks/import", json={"items": items})
    assert answer.status_code == 207
    assert [one["status"] for one in answer.json()["data"]] == [201, 404, 422, 422]
    task_id = answer.json()["data"][0]["task"]["id"]
    settled = settle(caller, task_id)
    assert (settled["status"], settled["completed_by"]) == ("succeeded", "import")
    again = caller.post("/v1/tasks/import", json={"items": items[:1]}).json()["data"]
    assert [(one["status"], one["task"]["id"]) for one in again] == [(200, task_id)]
    link = f"{gateway.simulator}/files/{upstream}/0-1.png"
    by_link = {"items": [{"model": "google/nano-banana", "url": link}]}
    [adopted] = caller.post("/v1/tasks/import", json=by_link).json()["data"]
    assert adopted["status"] == 201, adopted
    assert settle(caller, adopted["task"]["id"])["status"] == "succeeded"


def test_models_are_listed_and_described(caller: httpx.Client) -> None:
    listed = caller.get("/v1/models", params={"kind": "image"}).json()["data"]
    assert {"google/nano-banana", "gpt4o-image"} <= {model["id"] for model in listed}
    for model_id in ("google/nano-banana", "gpt4o-image"):
        assert caller.get(f"/v1/models/{model_id}").json()["id"] == model_id
    problem(caller.get("/v1/models/google/nano-bananas"), 404, "model_not_found")
