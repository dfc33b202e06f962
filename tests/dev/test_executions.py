"""Step Functions' own rules: names, inputs, payloads, the length of a history, redrives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dev import history
from tests.dev.test_machine import ended, start

if TYPE_CHECKING:
    from dev.cloud import LocalCloud

SOON = "2026-01-01T00:00:00Z"


def begin(cloud: LocalCloud, name: str, definition: dict[str, Any], given: Any = None) -> str:
    """Make a machine of the test's own under the small stack's role, and start it."""
    sfn = cloud.client("stepfunctions")
    made = sfn.create_state_machine(
        name=f"own-{name}",
        definition=json.dumps(definition),
        roleArn=cloud.stack.roles["Machine"],
    )
    started = sfn.start_execution(
        stateMachineArn=made["stateMachineArn"], name=name, input=json.dumps(given or {})
    )
    return str(started["executionArn"])


def events(cloud: LocalCloud, arn: str) -> list[dict[str, Any]]:
    pages = cloud.client("stepfunctions").get_paginator("get_execution_history")
    return [event for page in pages.paginate(executionArn=arn) for event in page["events"]]


def test_a_step_writes_the_events_that_it_writes_on_aws(cloud: LocalCloud) -> None:
    """API_HistoryEvent.html names them; a Wait has two, a Task through an integration five."""
    arn = start(cloud, "task_events", "look")
    assert ended(cloud, arn)["status"] == "SUCCEEDED"
    kinds = [event["type"] for event in events(cloud, arn)]
    task = ["TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited"]
    wait = ["WaitStateEntered", "WaitStateExited"]
    assert kinds == ["ExecutionStarted", *wait, *task, *task, "ExecutionSucceeded"]


def test_a_history_that_is_full_ends_its_execution(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bp-history-limit.html: the last event is the failure, and nothing catches it."""
    monkeypatch.setattr(history, "MAX_EVENTS", 40)
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": cloud.resources["StepsFunction"], "Payload.$": "$"},
        "ResultPath": None,
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 9}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        "Next": "Again",
    }
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.step", "StringEquals": "x", "Next": "Invoke"}],
    }
    states = {"Invoke": invoke, "Again": choice, "Caught": {"Type": "Succeed"}}
    definition = {"StartAt": "Again", "States": states}
    arn = begin(cloud, "full", definition, {"step": "x", "execution": "e"})
    answer = ended(cloud, arn)
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Runtime")
    assert answer["cause"] == "The execution reached the maximum number of history events (40)."
    found = events(cloud, arn)
    assert (len(found), found[-1]["id"], found[-1]["type"]) == (40, 40, "ExecutionFailed")
    assert found[-2]["type"] != "ExecutionFailed"


def test_an_execution_may_end_with_the_last_event(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bp-history-limit.html: if it is ExecutionSucceeded."""
    monkeypatch.setattr(history, "MAX_EVENTS", 4)
    definition = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
    arn = begin(cloud, "just-enough", definition)
    assert ended(cloud, arn)["status"] == "SUCCEEDED"
    assert len(events(cloud, arn)) == 4


@pytest.mark.parametrize("name", ["x" * 81, "with space", "a/b", "a:b", "a*", "a\u0085b", "a#b"])
def test_names_have_a_length_and_no_special_characters(cloud: LocalCloud, name: str) -> None:
    """API_StartExecution.html."""
    sfn, machine = cloud.client("stepfunctions"), cloud.stack.machines["Machine"]
    with pytest.raises(sfn.exceptions.InvalidName):
        sfn.start_execution(stateMachineArn=machine, name=name)


def test_inputs_and_results_take_256_kib(cloud: LocalCloud) -> None:
    """API_StartExecution.html; service-quotas.html for what a state hands on."""
    sfn, machine = cloud.client("stepfunctions"), cloud.stack.machines["Machine"]
    fixed = len(json.dumps({"text": ""}))
    largest = json.dumps({"text": "x" * (262_144 - fixed)})
    with pytest.raises(ClientError) as caught:
        sfn.start_execution(stateMachineArn=machine, name="large", input=largest + " ")
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    double = {
        "Type": "Pass",
        "Parameters": {"both.$": "States.Format('{}{}', $.text, $.text)"},
        "End": True,
    }
    definition = {"StartAt": "Double", "States": {"Double": double}}
    fits = ended(cloud, begin(cloud, "fits", definition, {"text": "x" * 100_000}))
    assert fits["status"] == "SUCCEEDED"
    answer = ended(cloud, begin(cloud, "grows", definition, json.loads(largest)))
    assert (answer["status"], answer["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_starting_again_is_the_same_execution_while_it_runs(cloud: LocalCloud) -> None:
    """API_StartExecution.html: same name and input succeed while it runs, and never after."""
    sfn, machine = cloud.client("stepfunctions"), cloud.stack.machines["Machine"]
    wait = {"task_id": "again", "wait_until": "2099-01-01T00:00:00Z"}
    same = {"stateMachineArn": machine, "name": "again", "input": json.dumps(wait)}
    first = sfn.start_execution(**same)
    assert sfn.start_execution(**same)["executionArn"] == first["executionArn"]
    with pytest.raises(sfn.exceptions.ExecutionAlreadyExists):
        sfn.start_execution(**{**same, "input": json.dumps({**wait, "task_id": "other"})})
    sfn.stop_execution(executionArn=first["executionArn"], error="Stopped", cause="by a test")
    assert ended(cloud, first["executionArn"])["status"] == "ABORTED"
    with pytest.raises(sfn.exceptions.ExecutionAlreadyExists):
        sfn.start_execution(**same)


def test_stopping_what_has_ended_changes_nothing(cloud: LocalCloud) -> None:
    """API_StopExecution.html; ExecutionDoesNotExist for what never was."""
    sfn = cloud.client("stepfunctions")
    arn = start(cloud, "task_ended", "look")
    before = ended(cloud, arn)
    sfn.stop_execution(executionArn=arn)
    assert sfn.describe_execution(executionArn=arn)["status"] == before["status"] == "SUCCEEDED"
    with pytest.raises(sfn.exceptions.ExecutionDoesNotExist):
        sfn.stop_execution(executionArn=arn.replace("task_ended", "task_never"))


def test_running_executions_keep_their_definition(cloud: LocalCloud) -> None:
    """API_UpdateStateMachine.html."""
    sfn = cloud.client("stepfunctions")

    def definition(result: str, seconds: int) -> dict[str, Any]:
        wait = {"Type": "Wait", "Seconds": seconds, "Next": "Say"}
        say = {"Type": "Pass", "Result": {"said": result}, "End": True}
        return {"StartAt": "Wait", "States": {"Wait": wait, "Say": say}}

    arn = begin(cloud, "kept", definition("old", 2))
    machine = sfn.describe_execution(executionArn=arn)["stateMachineArn"]
    sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition("new", 0)))
    later = sfn.start_execution(stateMachineArn=machine, name="later")["executionArn"]
    assert json.loads(ended(cloud, later)["output"]) == {"said": "new"}
    assert json.loads(ended(cloud, arn)["output"]) == {"said": "old"}


def failing_twice(cloud: LocalCloud) -> dict[str, Any]:
    """Describe a machine that sets something, then fails as long as a record is missing."""
    read = {
        "Type": "Task",
        "Resource": "arn:aws:states:::dynamodb:getItem",
        "Parameters": {
            "TableName": cloud.resources["Table"],
            "Key": {"pk": {"S": "redriven"}, "sk": {"S": "x"}},
            "ConsistentRead": True,
        },
        "ResultSelector": {"pk.$": "$.Item.pk.S"},
        "ResultPath": "$.found",
        "End": True,
    }
    states = {"Set": {"Type": "Pass", "Result": {"set": "once"}, "Next": "Read"}, "Read": read}
    return {"StartAt": "Set", "States": states}


def test_a_redrive_goes_on_at_the_state_that_failed(cloud: LocalCloud) -> None:
    """redrive-executions.html: the same execution, the same input, one history."""
    sfn = cloud.client("stepfunctions")
    arn = begin(cloud, "redriven", failing_twice(cloud), {"given": 1})
    assert ended(cloud, arn)["status"] == "FAILED"
    sfn.redrive_execution(executionArn=arn)
    assert ended(cloud, arn)["status"] == "FAILED"
    item = {"pk": {"S": "redriven"}, "sk": {"S": "x"}}
    cloud.client("dynamodb").put_item(TableName=cloud.resources["Table"], Item=item)
    assert "redriveDate" in sfn.redrive_execution(executionArn=arn)
    answer = ended(cloud, arn)
    assert answer["status"] == "SUCCEEDED"
    assert json.loads(answer["output"]) == {"set": "once", "found": {"pk": "redriven"}}
    found = events(cloud, arn)
    assert [event["id"] for event in found] == list(range(1, len(found) + 1))
    kinds = [event["type"] for event in found]
    assert (kinds.count("ExecutionRedriven"), kinds.count("PassStateEntered")) == (2, 1)
    with pytest.raises(sfn.exceptions.ExecutionNotRedrivable):
        sfn.redrive_execution(executionArn=arn)


def test_what_was_stopped_may_be_redriven_and_what_runs_may_not(cloud: LocalCloud) -> None:
    """API_RedriveExecution.html: ExecutionNotRedrivable, ExecutionDoesNotExist."""
    sfn = cloud.client("stepfunctions")
    wait = {"Type": "Wait", "Seconds": 3600, "End": True}
    arn = begin(cloud, "held", {"StartAt": "Wait", "States": {"Wait": wait}})
    with pytest.raises(sfn.exceptions.ExecutionNotRedrivable):
        sfn.redrive_execution(executionArn=arn)
    sfn.stop_execution(executionArn=arn)
    assert ended(cloud, arn)["status"] == "ABORTED"
    sfn.redrive_execution(executionArn=arn)
    assert sfn.describe_execution(executionArn=arn)["status"] == "RUNNING"
    sfn.stop_execution(executionArn=arn)
    assert ended(cloud, arn)["status"] == "ABORTED"
    with pytest.raises(sfn.exceptions.ExecutionDoesNotExist):
        sfn.redrive_execution(executionArn=arn.replace("held", "never"))
