"""The state machine runs in moto's interpreter and invokes our functions."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dev import seams
from dev.state import rfc3339
from tests.dev.support import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.cloud import LocalCloud


@pytest.fixture
def somewhere_else() -> Iterator[None]:
    """Let the local time of day differ from UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def start(cloud: LocalCloud, task_id: str, step: str, wait_seconds: float = 0) -> str:
    """Write a task and start its execution."""
    item = {"pk": {"S": f"TASK#{task_id}"}, "sk": {"S": "TASK"}, "next_step": {"S": step}}
    cloud.client("dynamodb").put_item(TableName=cloud.resources["Table"], Item=item)
    until = datetime.now(UTC) + timedelta(seconds=wait_seconds)
    text = json.dumps({"task_id": task_id, "wait_until": rfc3339(until)})
    started = cloud.client("stepfunctions").start_execution(
        stateMachineArn=cloud.stack.machines["Machine"], name=task_id, input=text
    )
    return str(started["executionArn"])


def ended(cloud: LocalCloud, arn: str) -> Any:
    """Wait for an execution's end."""
    client = cloud.client("stepfunctions")

    def look() -> Any:
        found = client.describe_execution(executionArn=arn)
        return found if found["status"] != "RUNNING" else None

    return eventually(look)


@pytest.mark.usefixtures("somewhere_else")
def test_machine_waits_reads_and_invokes(cloud: LocalCloud) -> None:
    """The moment is UTC wherever we are; `$$.` in the definition has survived."""
    started = time.monotonic()
    answer = ended(cloud, start(cloud, "task_1", "look", wait_seconds=2))
    assert answer["status"] == "SUCCEEDED"
    assert json.loads(answer["output"])["answer"] == {"did": "look", "execution": "task_1"}
    assert time.monotonic() - started >= 1


def test_named_errors_are_retried_then_fail(cloud: LocalCloud) -> None:
    """Error names are the functions' exception classes."""
    pauses: list[float] = []
    with seams.retry_pauses(pauses.append):
        arns = [start(cloud, f"task_fail_{n}", "fail") for n in range(3)]
        answers = [ended(cloud, arn) for arn in arns]
    for answer in answers:
        assert (answer["status"], answer["error"]) == ("FAILED", "TryAgainError")
    # Each execution has its own two, although they share what was parsed.
    assert sorted(pauses) == [3, 3, 3, 6, 6, 6]


def test_dead_process_is_caught_by_name(cloud: LocalCloud) -> None:
    """The template's `Catch` sees what Lambda would report."""
    answer = ended(cloud, start(cloud, "task_3", "die"))
    assert (answer["status"], answer["error"]) == ("FAILED", "Died")
    assert answer["cause"] == "Runtime.ExitError"


def test_waits_can_be_taken_over(cloud: LocalCloud) -> None:
    """A test need not wait an hour."""
    seen: list[float] = []
    with seams.waits(seen.append):
        assert ended(cloud, start(cloud, "task_4", "x", 3600))["status"] == "SUCCEEDED"
    assert seen == [pytest.approx(3600, abs=2)]


def test_execution_can_be_stopped_while_it_waits(cloud: LocalCloud) -> None:
    """The wait ends at once."""
    arn = start(cloud, "task_5", "x", 3600)
    time.sleep(0.3)
    cloud.client("stepfunctions").stop_execution(executionArn=arn)
    assert ended(cloud, arn)["status"] == "ABORTED"


def test_functions_can_be_handlers_of_this_process(cloud: LocalCloud) -> None:
    """Functional tests put their own in."""

    def handler(event: Any, context: Any) -> Any:
        return {"here": os.getpid(), "name": context.function_name}

    with cloud.serving("StepsFunction", handler):
        answer = ended(cloud, start(cloud, "task_6", "x"))
    expected = {"here": os.getpid(), "name": cloud.resources["StepsFunction"]}
    assert json.loads(answer["output"])["answer"] == expected


def test_many_executions_at_once(cloud: LocalCloud) -> None:
    """Thirty watchers share the interpreter, and each sees its own task."""
    started = time.monotonic()
    arns = [start(cloud, f"task_many_{n}", "x", 1) for n in range(30)]
    answers = [json.loads(ended(cloud, arn)["output"])["answer"] for arn in arns]
    assert [answer["execution"] for answer in answers] == [f"task_many_{n}" for n in range(30)]
    assert time.monotonic() - started < 25
