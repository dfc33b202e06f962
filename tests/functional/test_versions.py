"""Executions live for days, and keep the definition they were started with; functions do not."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kie_gateway.core.polling.decision import STEPS_PER_EXECUTION
from sam_template.template import Template
from tests.functional import world as world_module
from tests.functional.story import Story
from tests.functional.test_watch import UNTIL_ASKED
from tests.functional.world import World

# As it was deployed before executions could hand over; the docs of UpdateStateMachine: "Running
# executions will continue to use the previous definition".
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html
OLD_MACHINE = Path(__file__).parent / "machines" / "watch_task-2026-11.asl.json"
# 25,000, by https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MOST_EVENTS = 25_000

type Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


@contextmanager
def watch_function(
    world: World, handler: Callable[[Handler, dict[str, Any]], Any]
) -> Iterator[None]:
    """Put a function of another version in the place of WatchFunction."""
    app = world.functions.app("WatchFunction")
    today: Handler = app.lambda_handler
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            app,
            "lambda_handler",
            lambda event, context: handler(lambda e, _: today(e, context), event),
        )
        yield


def test_a_step_of_a_later_version_in_the_record_is_done_all_the_same(world: World) -> None:
    """A release with a new step word sent every open task's execution into a Fail state."""
    task = world.create("a kite [webhook lost]")
    world.dynamodb.update_item(
        **world.record_key(task),
        UpdateExpression="SET next_step = :step",
        ExpressionAttributeValues={":step": {"S": "dance"}},
    )
    world.run()
    assert task.end() == ("succeeded", "poll", None)
    assert task.states() == [*UNTIL_ASKED[:3], "ContinueAsNew", "WhatNext", "TaskSettled"]
    assert task.execution(watch=2)["status"] == "SUCCEEDED"
    assert task.accepted_creations() == 1


def test_a_step_of_a_later_version_in_an_answer_is_done_all_the_same(world: World) -> None:
    answers: list[str] = []

    def of_tomorrow(today: Handler, event: dict[str, Any]) -> dict[str, Any]:
        answer = today(event, None)
        if event["step"] == "ask" and answer["step"] == "ask" and not answers:
            answers.append("dance")
            return {**answer, "step": "dance"}
        return answer

    task = world.create("a kite [webhook lost] [slow 100]")
    with watch_function(world, of_tomorrow):
        world.run()
    assert answers == ["dance"]
    assert task.states() == [*UNTIL_ASKED, "ContinueAsNew", "WhatNext", "TaskSettled"]
    assert task.end() == ("succeeded", "poll", None)
    assert task.execution(watch=2)["status"] == "SUCCEEDED"


def test_todays_machine_works_with_a_function_of_yesterday(world: World) -> None:
    """After a rollback the function knows neither new words nor how many steps were done."""

    def of_yesterday(today: Handler, event: dict[str, Any]) -> dict[str, Any]:
        if event["step"] not in {"submit", "ask", "store", "stall", "none"}:
            raise ValueError(event["step"])
        answer = today({"step": event["step"], "task_id": event["task_id"]}, None)
        return {name: answer[name] for name in ("step", "wait_until")}

    with watch_function(world, of_yesterday):
        task = world.create("a kite [webhook lost] [slow 200]")
        world.run()
    assert task.end() == ("succeeded", "poll", None)
    assert task.execution()["status"] == "SUCCEEDED"


def test_yesterdays_machine_works_with_the_function_of_today(world: World) -> None:
    task = world.create("a kite [webhook lost] [slow 200]")
    machine = create_machine(world, OLD_MACHINE.read_text())
    world.sfn.stop_execution(executionArn=task.execution()["executionArn"])
    execution = start(world, task, machine)
    world.run()
    assert task.end() == ("succeeded", "poll", None)
    assert world.sfn.describe_execution(executionArn=execution)["status"] == "SUCCEEDED"


def test_an_execution_hands_over_before_its_history_is_full(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause of one second at most made an execution fail at 25,000 events, and nobody watched."""
    monkeypatch.setattr(world.functions.app("WatchFunction"), "STEPS_PER_EXECUTION", 3)
    task = world.create("a kite [webhook lost] [slow 5000]", deadline_seconds=3000)
    world.run_for(3001)
    assert task.end() == ("expired", None, "stalled")
    watches = task.watches()
    asked = sum(one["type"] == "kie_asked" for one in task.timeline())
    assert watches == asked // 3 + 1 > 2
    ends = [task.execution(watch)["status"] for watch in range(1, watches + 1)]
    assert ends == ["SUCCEEDED"] * (watches - 1) + ["FAILED"]


@pytest.mark.long
def test_a_task_that_is_asked_about_every_second_keeps_its_watch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some 2,800 polls filled an execution's history, and the task never expired."""
    policy = world.gateway("WatchFunction").store.policy
    monkeypatch.setitem(vars(policy), "poll_cap_seconds", 1)
    monkeypatch.setattr(world_module, "MOST_MOMENTS", 20_000)
    task = world.create("a kite [webhook lost] [never]", deadline_seconds=3500)
    world.run()
    assert task.end() == ("expired", None, "stalled")
    asked = [one["type"] for one in task.timeline()].count("kie_asked")
    assert asked > MOST_EVENTS // 9
    assert task.watches() == asked // STEPS_PER_EXECUTION + 1
    assert task.last_execution()["status"] == "FAILED"


def test_a_hand_over_that_fails_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = world.functions.app("WatchFunction")
    monkeypatch.setattr(app, "STEPS_PER_EXECUTION", 2)
    refusals = iter([True, False, False])
    stepfunctions = app.gateway.clients.stepfunctions
    today = stepfunctions.start_execution

    def start_execution(**arguments: Any) -> Any:
        if next(refusals, False):
            raise stepfunctions.exceptions.ExecutionLimitExceeded({"Error": {}}, "StartExecution")
        return today(**arguments)

    monkeypatch.setattr(stepfunctions, "start_execution", start_execution)
    task = world.create("a kite [webhook lost] [slow 120]")
    world.run()
    assert task.end() == ("succeeded", "poll", None)
    assert task.last_execution()["status"] == "SUCCEEDED"


def test_steps_of_an_execution_fit_into_its_history_whatever_is_retried() -> None:
    """Counts AWS's events of a further poll: three of a task, two of every other state."""
    definition = json.loads(Template().machine_definition("WatchTask"))

    for name in ("AskKie", "SubmitTask", "StoreResults"):
        retries = sum(one["MaxAttempts"] for one in definition["States"][name]["Retry"])
        # Entered, scheduled, started, succeeded, exited; a retry schedules, starts and fails again.
        task, wait, choice = 5 + 3 * retries, 2, 2
        assert STEPS_PER_EXECUTION * (task + wait + choice) < MOST_EVENTS


def create_machine(world: World, definition: str) -> str:
    """Create a machine beside today's."""
    values = {
        "TableName": world.cloud.resources["TaskTable"],
        "WatchFunctionArn": world.cloud.stack.functions["WatchFunction"].name,
    }
    arn: str = world.sfn.create_state_machine(
        name="WatchTask-of-yesterday",
        definition=re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], definition),
        roleArn=world.sfn.describe_state_machine(
            stateMachineArn=world.cloud.stack.machines["WatchTask"]
        )["roleArn"],
    )["stateMachineArn"]
    return arn


def start(world: World, task: Story, machine: str) -> str:
    now = datetime.fromtimestamp(world.agenda.time(), UTC)
    arn: str = world.sfn.start_execution(
        stateMachineArn=machine,
        name=task.task_id,
        input=json.dumps({"task_id": task.task_id, "wait_until": f"{now:%Y-%m-%dT%H:%M:%SZ}"}),
    )["executionArn"]
    world.settle_down()
    return arn
