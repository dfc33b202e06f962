"""What a caller does, over HTTP."""

import hashlib
import time
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx

from kie_gateway.aws.table_keys import submit_queue_key

ENDED = ("succeeded", "failed", "canceled", "expired")


def create(http: httpx.Client, prompt: str, **more: Any) -> dict[str, Any]:
    body = {"model": "google/nano-banana", "input": {"prompt": prompt}, **more}
    answer = http.post("/v1/tasks", json=body)
    assert answer.status_code == 202, answer.text
    task: dict[str, Any] = answer.json()
    return task


def settle(http: httpx.Client, task_id: str, within_seconds: float = 60) -> dict[str, Any]:
    until = time.monotonic() + within_seconds
    while True:
        task: dict[str, Any] = http.get(f"/v1/tasks/{task_id}", params={"wait": 5}).json()
        if task["status"] in ENDED:
            return task
        assert time.monotonic() < until, task


def happened(http: httpx.Client, task_id: str) -> list[str]:
    return [entry["type"] for entry in http.get(f"/v1/tasks/{task_id}/events").json()["data"]]


def accepted_creations(http: httpx.Client, simulator: str, task_id: str) -> int:
    upstream = {
        one["taskId"]
        for one in httpx.get(f"{simulator}/sim/tasks").json()
        if task_id in one["callBackUrl"]
    }
    return len(upstream)


def assert_stored(http: httpx.Client, task: dict[str, Any]) -> None:
    for output in task["outputs"]:
        content = httpx.get(output["url"]).raise_for_status().content
        assert (len(content), hashlib.sha256(content).hexdigest()) == (
            output["bytes"],
            output["sha256"],
        )
        assert content.startswith(b"\x89PNG")


def problem(
    answer: httpx.Response,
    status: int,
    code: str = "validation_failed",
    *,
    pointers: list[str] | None = None,
) -> dict[str, Any]:
    """Make sure that trouble is told as the contract wants it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told.keys() >= {"type", "title", "detail", "errors"}
    assert (told["status"], told["code"]) == (status, code)
    assert answer.headers["x-error-code"] == code
    assert answer.headers["x-request-id"] == told["request_id"]
    assert told["retryable"] is (status >= 500)
    assert all(fault.keys() == {"pointer", "detail"} for fault in told["errors"])
    if pointers is not None:
        assert [fault["pointer"] for fault in told["errors"]] == pointers
    return told


def new_key(http: httpx.Client, owner: str) -> str:
    """Have an admin make a key for an owner."""
    answer = http.post("/v1/keys", json={"owner": owner, "name": "tests"})
    assert answer.status_code == 201, answer.text
    secret: str = answer.json()["secret"]
    return secret


def empty_submit_queue(http: httpx.Client) -> None:
    """Forget that Kie.ai refused creations, in the local cloud's table."""
    form = http.post("/v1/uploads", json={"content_type": "image/png", "bytes": 1}).json()
    # Where the bucket answers, the other services of the local cloud do too.
    address = urlsplit(form["upload"]["url"])
    dynamodb = boto3.client(
        "dynamodb",
        endpoint_url=f"{address.scheme}://{address.netloc}",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    [table] = dynamodb.list_tables()["TableNames"]
    dynamodb.delete_item(TableName=table, Key=submit_queue_key())
