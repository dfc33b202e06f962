"""Every sample event does what its name says, run on the function it is for."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.cloud import InvocationError
from dev.invoke import FUNCTIONS, function_of
from dev.samples import EXPIRED, FOLDER, Samples, sample_cloud

# What each answers: an HTTP status, or what the function returns (of a longer answer, a part).
EXPECTED: dict[str, Any] = {
    "api/health": 200,
    "api/openapi": 200,
    "api/docs": 200,
    "api/problem_type": 200,
    "api/create_task": 202,
    "api/create_task_idempotent": 202,
    "api/create_task_wait": 202,
    "api/create_group": 202,
    "api/create_task_malformed": 400,
    "api/create_task_invalid": 422,
    "api/no_key": 401,
    "api/get_task": 200,
    "api/get_task_wait": 200,
    "api/get_task_unknown": 404,
    "api/list_tasks": 200,
    "api/list_tasks_bad_cursor": 422,
    "api/refresh_task": 200,
    "api/cancel_task": 202,
    "api/cancel_group": 202,
    "api/retry_task": 202,
    "api/delete_task": 204,
    "api/task_events": 200,
    "api/output_content": 302,
    "api/output_thumbnail": 302,
    "api/permalink": 302,
    "api/permalink_thumbnail": 302,
    "api/permalink_forged": 404,
    "api/create_batch": 202,
    "api/list_batches": 200,
    "api/get_batch_unknown": 404,
    "api/create_webhook_endpoint": 201,
    "api/create_webhook_endpoint_private": 422,
    "api/list_webhook_endpoints": 200,
    "api/update_webhook_endpoint_unknown": 404,
    "api/rotate_task_secret": 200,
    "api/list_deliveries": 200,
    "api/retry_delivery_unknown": 404,
    "api/create_task_webhook": 202,
    "api/list_outputs": 200,
    "api/create_upload": 201,
    "api/import_tasks": 207,
    "api/list_models": 200,
    "api/get_model": 200,
    "api/list_recipes": 200,
    "api/get_recipe": 200,
    "api/get_recipe_unknown": 404,
    "api/get_realtime": 200,
    "api/create_realtime_token": 201,
    "events/task_succeeded": {"batchItemFailures": []},
    "events/credits_low": {"batchItemFailures": []},
    "events/nothing_to_tell": {"batchItemFailures": []},
    "deliver/unknown_delivery": {"batchItemFailures": []},
    "realtime_authorizer/connect": {"isAuthorized": True, "ttlOverride": 0},
    "realtime_authorizer/subscribe_all": {"isAuthorized": True, "ttlOverride": 0},
    "realtime_authorizer/subscribe_task": {"isAuthorized": True, "ttlOverride": 0},
    "realtime_authorizer/subscribe_too_much": {"isAuthorized": False, "ttlOverride": 0},
    "realtime_authorizer/expired_token": {"isAuthorized": False, "ttlOverride": 0},
    "realtime_authorizer/forged_token": {"isAuthorized": False, "ttlOverride": 0},
    "realtime_authorizer/publish": {"isAuthorized": False, "ttlOverride": 0},
    "sweep/scheduled": {"released": 0, "batches": 0},
    "callback/market_success": 200,
    "callback/market_failure": 200,
    "callback/duplicate": 200,
    "callback/late_after_expiry": 200,
    "callback/forged_token": 401,
    "callback/unreadable_body": 200,
    "callback/base64_body": 200,
    "callback/unknown_task": 200,
    "store/store_results": {"batchItemFailures": []},
    "store/ask_and_store": {"batchItemFailures": []},
    "store/already_stored": {"batchItemFailures": []},
    "store/unknown_task": {"batchItemFailures": []},
    "thumbnail/make": {"made": True},
    "watch/submit": {"step": "ask"},
    "watch/ask": {"step": "ask"},
    "watch/store": {"step": "none"},
    "watch/create_children": {"step": "none"},
    "watch/nothing": {"step": "none"},
}
FILES = sorted(FOLDER.glob("*/*.json"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.fixture(scope="module")
def samples() -> Iterator[Samples]:
    with sample_cloud() as running:
        yield running


def test_each_event_has_an_expectation_and_a_function() -> None:
    assert {name_of(path) for path in FILES} == {*EXPECTED, "watch/stall"}
    assert {path.parent.name for path in FILES} == set(FUNCTIONS)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_event_is_answered_as_expected(samples: Samples, name: str) -> None:
    samples.seed()
    path = FOLDER / f"{name}.json"
    answer = samples.invoke(function_of(path) or "", json.loads(path.read_text()))
    expected = EXPECTED[name]
    if isinstance(expected, int):
        assert answer["statusCode"] == expected, answer
        return
    assert {key: answer[key] for key in expected} == expected


def test_a_stalled_task_fails_its_execution_with_what_to_do(samples: Samples) -> None:
    samples.seed()
    event = json.loads((FOLDER / "watch" / "stall.json").read_text())
    with pytest.raises(InvocationError) as failed:
        samples.invoke("WatchFunction", event)
    assert failed.value.error["errorType"] == "TaskStalledError"
    assert EXPIRED in failed.value.error["errorMessage"]
    assert "POST /refresh" in failed.value.error["errorMessage"]


def run_invoke(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dev.invoke", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": "layers/gateway/python"},
        check=False,
    )


@pytest.mark.long
def test_invoke_prints_the_answer() -> None:
    done = run_invoke("events/api/health.json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["statusCode"] == 200


def test_invoke_tells_of_a_function_that_failed() -> None:
    done = run_invoke("events/watch/stall.json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "TaskStalledError"


def test_invoke_refuses_what_is_no_event(tmp_path: Path) -> None:
    broken = tmp_path / "api" / "broken.json"
    broken.parent.mkdir()
    broken.write_text("{")
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("{}")
    for path, words in (
        (tmp_path / "nowhere.json", "No such file"),
        (broken, "is not valid JSON"),
        (elsewhere, "the folder must be one of"),
    ):
        done = run_invoke(str(path))
        assert done.returncode == 2
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
