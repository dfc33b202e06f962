"""Callers who wait for a task, on the running gateway, and those who do not."""

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import httpx
import pytest

from tests.dev.support import eventually
from tests.running.gateway import Gateway

READERS = 100
# How long the readers wait.
WAIT_SECONDS = 25
BODY = {"model": "google/nano-banana", "input": {"prompt": "a kite [slow 200]"}}
QUICK = {"model": "google/nano-banana", "input": {"prompt": "a kite [slow 0.1]"}}


def test_many_who_wait_hold_up_no_creation_and_no_webhook(patient_gateway: Gateway) -> None:
    http = patient_gateway.http
    task_id = http.post("/v1/tasks", json=BODY).raise_for_status().json()["id"]
    with waiting_client(patient_gateway) as waiting, ThreadPoolExecutor(READERS) as pool:
        path = f"/v1/tasks/{task_id}"
        waits = [
            pool.submit(waiting.get, path, params={"wait": WAIT_SECONDS}) for _ in range(READERS)
        ]
        created = http.post("/v1/tasks", json=QUICK).raise_for_status().json()["id"]
        eventually(lambda: completed_by(http, created) == "webhook", WAIT_SECONDS)
        done, still_open = wait(waits, timeout=0, return_when=FIRST_COMPLETED)
        assert (len(done), len(still_open)) == (0, READERS)
        http.post(f"{path}/cancel").raise_for_status()
        answers = [one.result() for one in waits]
    # On a busy machine some came to a process too late for API Gateway's patience.
    assert {one.status_code for one in answers} <= {200, 503}
    told = [one.json()["status"] for one in answers if one.status_code == httpx.codes.OK]
    assert "canceled" in told


def waiting_client(gateway: Gateway) -> httpx.Client:
    """Make a client with a connection for each reader, so that none queues here."""
    limits = httpx.Limits(max_connections=READERS)
    return httpx.Client(
        base_url=gateway.url, headers=gateway.http.headers, timeout=40, limits=limits
    )


def completed_by(http: httpx.Client, task_id: str) -> str | None:
    task = http.get(f"/v1/tasks/{task_id}").raise_for_status().json()
    told: str | None = task["completed_by"]
    return told


@pytest.mark.long
def test_a_slow_creation_and_a_wait_are_answered_with_the_task(patient_gateway: Gateway) -> None:
    body = {**BODY, "input": {"prompt": "a kite [create slow 6] [slow 200]"}}
    answer = patient_gateway.http.post("/v1/tasks", json=body, headers={"Prefer": "wait=25"})
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert 25 < answer.elapsed.total_seconds() < 29
    assert answer.headers["location"].endswith(answer.json()["id"])
