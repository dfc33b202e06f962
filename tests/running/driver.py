"""What a caller does, over HTTP."""

import hashlib
import time
from typing import Any

import httpx

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
