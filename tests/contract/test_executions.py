"""Executions of the machine: starting one twice is harmless, stopping one that is gone too."""

import json
from datetime import datetime
from typing import TYPE_CHECKING

import boto3
import pytest

from kie_gateway.aws.executions import WatchExecutions, execution_name, timestamp
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from tests.makers import NOW, TASK_ID, seconds

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

LATER = NOW + seconds(45)


@pytest.fixture(scope="module")
def stepfunctions(aws: boto3.session.Session) -> "SFNClient":
    return aws.client("stepfunctions")


@pytest.fixture
def machine_arn(stepfunctions: "SFNClient", request: pytest.FixtureRequest) -> str:
    machine = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 9, "End": True}}}
    created = stepfunctions.create_state_machine(
        name=request.node.name[:80],
        definition=json.dumps(machine),
        roleArn="arn:aws:iam::123456789012:role/machine",
    )
    return created["stateMachineArn"]


@pytest.fixture
def executions(stepfunctions: "SFNClient", machine_arn: str) -> WatchExecutions:
    return WatchExecutions(stepfunctions, machine_arn)


def running(client: "SFNClient", machine_arn: str) -> dict[str, object]:
    """Input of each execution that runs, by name."""
    listed = client.list_executions(stateMachineArn=machine_arn, statusFilter="RUNNING")
    return {
        one["name"]: json.loads(
            client.describe_execution(executionArn=one["executionArn"])["input"]
        )
        for one in listed["executions"]
    }


def test_an_execution_is_named_after_its_task_and_knows_when_to_look(
    executions: WatchExecutions, stepfunctions: "SFNClient", machine_arn: str
) -> None:
    executions.start(TASK_ID, 1, LATER)
    assert running(stepfunctions, machine_arn) == {
        TASK_ID: {"task_id": TASK_ID, "wait_until": "2026-03-01T12:00:45Z"}
    }


def test_starting_a_watch_twice_is_harmless_and_a_further_watch_is_another(
    executions: WatchExecutions, stepfunctions: "SFNClient", machine_arn: str
) -> None:
    for wait_until in (NOW, NOW, LATER):
        executions.start(TASK_ID, 1, wait_until)
    executions.start(TASK_ID, 2, LATER)
    assert running(stepfunctions, machine_arn) == {
        TASK_ID: {"task_id": TASK_ID, "wait_until": "2026-03-01T12:00:00Z"},
        f"{TASK_ID}-2": {"task_id": TASK_ID, "wait_until": "2026-03-01T12:00:45Z"},
    }


def test_stopping_ends_that_watch_only(
    executions: WatchExecutions, stepfunctions: "SFNClient", machine_arn: str
) -> None:
    executions.start(TASK_ID, 1, NOW)
    executions.start(TASK_ID, 2, NOW)
    executions.stop(TASK_ID, 1, "Kie.ai refused the creation for now.")
    assert list(running(stepfunctions, machine_arn)) == [f"{TASK_ID}-2"]
    arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{TASK_ID}"
    ended = stepfunctions.describe_execution(executionArn=arn)
    assert ended["status"] == "ABORTED"


def test_a_watch_that_has_ended_is_neither_started_nor_stopped_again(
    executions: WatchExecutions, stepfunctions: "SFNClient", machine_arn: str
) -> None:
    executions.stop(TASK_ID, 1, "was never there")
    executions.start(TASK_ID, 1, NOW)
    executions.stop(TASK_ID, 1, "first")
    executions.stop(TASK_ID, 1, "second")
    executions.start(TASK_ID, 1, NOW)
    assert running(stepfunctions, machine_arn) == {}


def test_trouble_of_step_functions_is_told_in_one_way(stepfunctions: "SFNClient") -> None:
    gone = "arn:aws:states:us-east-1:123456789012:stateMachine:gone"
    with pytest.raises(BackendUnavailableError, match="Step Functions"):
        WatchExecutions(stepfunctions, gone).start(TASK_ID, 1, NOW)
    with pytest.raises(BackendUnavailableError, match="Step Functions"):
        WatchExecutions(stepfunctions, "no arn at all").stop(TASK_ID, 1, "why")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOW, "2026-03-01T12:00:00Z"),
        (NOW + seconds(0.001), "2026-03-01T12:00:01Z"),
        (NOW + seconds(59.999), "2026-03-01T12:01:00Z"),
        (datetime.fromisoformat("2026-03-01T14:00:00.5+02:00"), "2026-03-01T12:00:01Z"),
    ],
)
def test_a_machine_waits_whole_seconds_and_never_too_short(moment: datetime, text: str) -> None:
    assert timestamp(moment) == text


def test_names_of_executions_fit_into_80_characters() -> None:
    assert execution_name(TASK_ID, 1) == TASK_ID
    assert execution_name(TASK_ID, 12) == f"{TASK_ID}-12"
    assert len(execution_name(TASK_ID, 10**9)) <= 80


def test_a_watch_runs_from_its_start_to_its_end(
    executions: WatchExecutions, stepfunctions: "SFNClient", machine_arn: str
) -> None:
    assert not executions.is_running(TASK_ID, 1)
    executions.start(TASK_ID, 1, NOW)
    assert executions.is_running(TASK_ID, 1)
    assert not executions.is_running(TASK_ID, 2)
    executions.stop(TASK_ID, 1, "an operator's word")
    assert not executions.is_running(TASK_ID, 1)
    with pytest.raises(BackendUnavailableError, match="Step Functions"):
        WatchExecutions(stepfunctions, "no arn at all").is_running(TASK_ID, 1)
