"""A function dies, or AWS or Kie.ai does not answer: the task still ends as it should."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.exceptions import EndpointConnectionError

from tests.functional.functions import dies_after, dies_before
from tests.functional.story import Story
from tests.functional.world import MODEL, World

BY_WEBHOOK = ("succeeded", "webhook", None)
BY_POLL = ("succeeded", "poll", None)
SUBMITTED = "0 created submission_started submitted"


def refuse(*_: object, **__: object) -> None:
    """Take the place of a client's call that does not get through."""
    raise EndpointConnectionError(endpoint_url="https://aws.invalid")


def refuses_results(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let S3 take what is archived, and no result."""

    def put_object(**params: Any) -> Any:
        return refuse() if params["Key"].startswith("outputs/") else call(**params)

    return put_object


def fails(call: Callable[..., Any], times: int) -> Callable[..., Any]:
    """Let a client's call fail the first times."""
    left = [None] * times

    def failing(*arguments: Any, **named: Any) -> Any:
        if left:
            left.pop()
            refuse()
        return call(*arguments, **named)

    return failing


def create_and_die(world: World, prompt: str) -> Story:
    """Have a creation's function end before it has answered."""
    body = {"model": MODEL, "input": {"prompt": prompt}, "deadline_seconds": 3600}
    answer = world.http.post("/v1/tasks", json=body)
    assert answer.status_code == 500
    world.settle_down()
    return world.newest_task()


# --- ApiFunction ------------------------------------------------------------------------------


def test_api_that_dies_before_it_calls_kie_never_calls_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can know that the call did not go out."""
    kie = world.gateway("ApiFunction").kie
    monkeypatch.setattr(kie, "create", dies_before(kie.create))
    task = create_and_die(world, "a kite")
    world.run_for(300)
    assert task.told() == [
        "0 created submission_started",
        "69 submission_unknown",
        *("103 kie_asked", "144 kie_asked", "216 kie_asked"),
    ]
    assert task.end() == ("queued", None, "submission_unknown")
    world.run()
    assert task.end() == ("expired", None, "submission_unknown")
    assert task.last_execution()["error"] == "TaskStalledError"
    assert world.creations() == []


def test_api_that_dies_after_kie_accepted_is_saved_by_the_webhook(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kie = world.gateway("ApiFunction").kie
    monkeypatch.setattr(kie, "create", dies_after(kie.create))
    task = create_and_die(world, "a kite")
    world.run()
    assert task.told() == [
        "0 created submission_started",
        "1.5 webhook_accepted storing_started stored succeeded",
    ]
    assert task.end() == BY_WEBHOOK
    assert task.accepted_creations() == 1


def test_api_that_dies_before_it_starts_the_execution_leaves_a_task_for_its_replay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same request again starts the watch; the call to Kie.ai may have gone out, or not."""
    executions = world.gateway("ApiFunction").executions
    monkeypatch.setattr(executions, "start", dies_before(executions.start))
    headers = {"Idempotency-Key": "kite"}
    body = {"model": MODEL, "input": {"prompt": "a kite"}, "deadline_seconds": 3600}
    assert world.http.post("/v1/tasks", json=body, headers=headers).status_code == 500
    again = world.http.post("/v1/tasks", json=body, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    task = world.newest_task()
    world.run()
    assert task.end() == ("expired", None, "submission_unknown")
    assert world.creations() == []


def test_refused_start_of_the_execution_takes_the_task_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.create("an older kite")
    monkeypatch.setattr(
        world.gateway("ApiFunction").clients.stepfunctions, "start_execution", refuse
    )
    headers, body = {"Idempotency-Key": "back"}, {"model": MODEL, "input": {"prompt": "a kite"}}
    assert world.http.post("/v1/tasks", json=body, headers=headers).status_code == 503
    assert world.newest_task().task_id == before.task_id
    assert len(world.creations()) == 1
    monkeypatch.undo()
    again = world.http.post("/v1/tasks", json=body, headers=headers)
    assert (again.status_code, "Idempotent-Replayed" in again.headers) == (202, False)


# --- Kie.ai -----------------------------------------------------------------------------------


def test_kie_that_is_down_gets_the_creation_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(world, monkeypatch, "ApiFunction", httpx.ConnectError("refused"))
    task = world.create("a kite")
    assert task.end() == ("queued", None, None)
    assert world.creations() == []
    world.run()
    assert task.told() == [
        "0 created submission_started submission_refused watch_started",
        "7 submission_started submitted",
        "8.5 webhook_accepted storing_started stored succeeded",
    ]
    assert task.accepted_creations() == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.ConnectError("refused"), id="down"),
        pytest.param(httpx.ReadTimeout("late"), id="silent"),
        pytest.param(httpx.Response(503), id="503"),
        pytest.param(httpx.Response(200, json={"code": 429, "msg": "too often"}), id="429"),
        pytest.param(httpx.Response(200, json={"code": 500, "msg": "Server exception"}), id="500"),
        pytest.param(httpx.Response(200, content=b"<html>"), id="no JSON"),
    ],
)
def test_kie_that_tells_nothing_is_asked_ever_more_rarely(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception
) -> None:
    task = world.create("a kite [webhook lost]")
    answer_with(world, monkeypatch, "WatchFunction", answer)
    world.run_for(1000)
    assert [line.partition(" kie_asked")[0] for line in task.told()] == [
        SUBMITTED,
        *("69", "103", "144", "216", "324", "486", "729"),
    ]
    monkeypatch.undo()
    world.run()
    assert task.end() == BY_POLL


def test_maintenance_is_waited_for_at_least_a_minute_each_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = world.create("a kite [webhook lost]")
    maintenance = httpx.Response(200, json={"code": 455, "msg": "maintenance"})
    answer_with(world, monkeypatch, "WatchFunction", maintenance)
    world.run_for(300)
    assert task.told()[1:] == [
        *("69 kie_asked", "129 kie_asked", "189 kie_asked", "284 kie_asked"),
    ]
    monkeypatch.undo()
    world.run()
    assert task.end() == BY_POLL


def answer_with(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    answer: httpx.Response | Exception,
) -> None:
    """Let a function hear from Kie.ai whatever it asks, or nothing."""

    def handle_request(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(world.functions.lines[function], "handle_request", handle_request)


# --- CallbackFunction -------------------------------------------------------------------------


def test_callback_that_dies_before_it_records_is_called_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = world.gateway("CallbackFunction").tasks
    monkeypatch.setattr(tasks, "move", dies_before(tasks.move))
    task = world.create("a kite")
    world.run()
    assert task.told() == [SUBMITTED, "4.5 webhook_accepted storing_started stored succeeded"]


def test_callback_that_dies_after_it_recorded_is_called_again_and_has_it_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told again, it found the result recorded, and nobody had been asked to store it."""
    tasks = world.gateway("CallbackFunction").tasks
    monkeypatch.setattr(tasks, "move", dies_after(tasks.move))
    task = world.create("a kite")
    world.run()
    assert task.told() == [
        SUBMITTED,
        "1.5 webhook_accepted",
        "4.5 webhook_duplicate storing_started stored succeeded",
    ]
    assert task.end() == BY_WEBHOOK
    assert world.functions.calls.kie == [("ApiFunction", "createTask")]


def test_refused_queue_message_leaves_the_storing_to_the_machine(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.gateway("CallbackFunction").clients.sqs, "send_message", refuse)
    task = world.create("a kite")
    world.run()
    assert task.told() == [
        SUBMITTED,
        "1.5 webhook_accepted",
        "69 storing_started stored succeeded",
    ]
    assert task.end() == BY_WEBHOOK


def test_refused_question_of_an_unclear_webhook_is_asked_by_the_machine(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.gateway("CallbackFunction").clients.sqs, "send_message", refuse)
    task = world.create("a kite [webhook unreadable]")
    world.run()
    assert task.told() == [
        SUBMITTED,
        "1.5 webhook_unclear",
        "69 result_reported storing_started stored succeeded",
    ]


def test_table_that_does_not_answer_has_the_webhook_delivered_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = world.create("a kite")
    dynamodb = world.gateway("CallbackFunction").clients.dynamodb
    monkeypatch.setattr(dynamodb, "transact_write_items", fails(dynamodb.transact_write_items, 1))
    world.run()
    assert task.told() == [SUBMITTED, "4.5 webhook_accepted storing_started stored succeeded"]


def test_bucket_that_takes_no_raw_webhook_does_not_hold_up_the_task(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.gateway("CallbackFunction").clients.s3, "put_object", refuse)
    task = world.create("a kite")
    world.run()
    assert task.told()[-1] == "1.5 webhook_accepted storing_started stored succeeded"
    assert world.objects(f"webhooks/{task.task_id}") == []


# --- StoreFunction ----------------------------------------------------------------------------


def test_store_that_dies_with_the_file_in_the_bucket_is_finished_by_the_machine(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = world.gateway("StoreFunction").bucket
    monkeypatch.setattr(bucket, "store", dies_after(bucket.store))
    task = world.create("a kite")
    world.run_for(60)
    assert task.end() == ("storing", "webhook", None)
    assert task.read()["outputs"] == []
    [key] = world.objects(f"outputs/alice/{task.task_id}")
    world.run()
    assert task.told() == [
        SUBMITTED,
        "1.5 webhook_accepted storing_started",
        "69 storing_started stored succeeded",
    ]
    assert world.objects(f"outputs/alice/{task.task_id}") == [key]
    assert world.messages.take_dead_letters() == []


def test_store_that_dies_late_is_not_waited_for_longer_than_its_hold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine comes along 15 s after the copy began, whose hold lasts 45 s."""
    bucket = world.gateway("StoreFunction").bucket
    monkeypatch.setattr(bucket, "store", dies_after(bucket.store))
    task = world.create("a kite [slow 54]")
    world.run()
    assert task.told() == [
        SUBMITTED,
        "54 webhook_accepted storing_started",
        "99 storing_started stored succeeded",
    ]


def test_message_that_always_kills_the_function_is_put_aside_and_the_machine_stores(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = world.gateway("StoreFunction").tasks
    monkeypatch.setattr(tasks, "get", dies_before(tasks.get, times=99))
    task = world.create("a kite")
    world.run()
    assert task.told() == [
        SUBMITTED,
        "1.5 webhook_accepted",
        "69 storing_started stored succeeded",
    ]
    assert world.messages.take_dead_letters() == [{"task_id": task.task_id, "step": "store"}]


def test_copies_that_always_fail_wait_for_a_refresh_which_generates_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for function in ("StoreFunction", "WatchFunction"):
        s3 = world.gateway(function).clients.s3
        monkeypatch.setattr(s3, "put_object", refuses_results(s3.put_object))
    task = world.create("a kite", deadline_seconds=420)
    world.run()
    assert task.end() == ("expired", "webhook", "storage_failed")
    assert [line.split()[0] for line in task.told()] == [
        "0",
        "1.5",
        "6.5",
        "26.5",
        "107",
        "407",
        "420",
    ]
    assert task.execution()["error"] == "TaskStalledError"
    monkeypatch.undo()
    assert task.refresh().status_code == 200
    refreshed = "refreshed watch_started storing_started stored succeeded"
    assert task.told()[-1] == f"420 storing_started storing_failed expired {refreshed}"
    assert task.end() == BY_WEBHOOK
    assert world.functions.calls.kie == [("ApiFunction", "createTask")]
    world.run()
    assert task.execution(watch=2)["status"] == "SUCCEEDED"
    assert world.messages.take_dead_letters() == []


# --- WatchFunction ----------------------------------------------------------------------------


def test_watch_that_dies_after_kie_accepted_never_submits_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kie = world.gateway("WatchFunction").kie
    monkeypatch.setattr(kie, "create", dies_after(kie.create))
    task = world.create("a kite [create 429] [webhook lost]", deadline_seconds=200)
    world.run()
    assert task.told() == [
        "0 created submission_started submission_refused watch_started",
        "10 submission_started",
        "70 submission_unknown",
        *("79 kie_asked", "113 kie_asked", "154 kie_asked", "200 kie_asked expired"),
    ]
    assert task.end() == ("expired", None, "submission_unknown")
    assert task.accepted_creations() == 1
    assert [pause <= 2 for pause in world.executions.pauses] == [True]


def test_watch_that_dies_after_kie_accepted_is_saved_by_the_webhook(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kie = world.gateway("WatchFunction").kie
    monkeypatch.setattr(kie, "create", dies_after(kie.create))
    task = world.create("a kite [create 429]")
    world.run()
    assert task.told()[1:] == [
        "10 submission_started",
        "11.5 webhook_accepted storing_started stored succeeded",
    ]
    assert task.accepted_creations() == 1


@pytest.mark.parametrize("deaths", [1, 3])
def test_watch_that_dies_while_it_asks_asks_again(
    world: World, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    kie = world.gateway("WatchFunction").kie
    monkeypatch.setattr(kie, "ask", dies_after(kie.ask, deaths))
    task = world.create("a kite [webhook lost]")
    world.run()
    assert task.end() == BY_POLL
    assert len(world.executions.pauses) == deaths
    assert task.states().count("AskKie") == 1


def test_watch_that_dies_with_the_file_in_the_bucket_copies_again_after_its_hold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = world.gateway("WatchFunction").bucket
    monkeypatch.setattr(bucket, "store", dies_after(bucket.store))
    task = world.create("a kite [webhook lost]")
    world.run()
    assert task.told() == [
        SUBMITTED,
        "69 result_reported storing_started",
        "114 storing_started stored succeeded",
    ]


def test_watch_that_always_dies_fails_the_execution_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = world.gateway("WatchFunction").tasks
    monkeypatch.setattr(tasks, "get", dies_before(tasks.get, times=99))
    task = world.create("a kite [webhook lost]")
    world.run()
    execution = task.execution()
    assert (execution["status"], execution["error"]) == ("FAILED", "Runtime.ExitError")
    road = ["WaitForWebhook", "ReadTask", "WhatIsMissing", "AskKie", "TaskStalled"]
    assert task.states() == road
    # Six retries of the question, and six of the last word.
    assert len(world.executions.pauses) == 12
