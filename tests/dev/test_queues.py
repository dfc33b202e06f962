"""Queues: done is deleted, failed comes back, failed too often goes aside."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from dev import queues
from dev.functions import Outcome, failure
from tests.dev.support import eventually

if TYPE_CHECKING:
    from dev.cloud import LocalCloud


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let failed messages come back after one second."""
    monkeypatch.setattr(queues, "FIRST_RETRY_SECONDS", 1)


def send(cloud: LocalCloud, *bodies: dict[str, Any]) -> None:
    url = cloud.resources["Queue"]
    for body in bodies:
        cloud.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body))


def seen(cloud: LocalCloud, name: str) -> int:
    key = {"pk": {"S": f"MESSAGE#{name}"}, "sk": {"S": "COUNT"}}
    found = cloud.client("dynamodb").get_item(TableName=cloud.resources["Table"], Key=key)
    return int(found.get("Item", {}).get("seen", {}).get("N", 0))


def left(cloud: LocalCloud, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = cloud.resources[queue]
    found = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(value) for value in found["Attributes"].values())


def test_messages_reach_the_function_once_and_are_deleted(cloud: LocalCloud) -> None:
    """Sending does not wait for the function."""
    names = [f"plain-{n}" for n in range(12)]
    send(cloud, *({"name": name} for name in names))
    eventually(lambda: all(seen(cloud, name) == 1 for name in names))
    eventually(lambda: left(cloud, "Queue") == 0)


def test_failed_message_comes_back_alone(cloud: LocalCloud) -> None:
    """Those of the same batch that went well are not repeated."""
    send(cloud, {"name": "bad", "failures": 1}, {"name": "good"})
    started = time.monotonic()
    eventually(lambda: seen(cloud, "bad") == 2)
    assert time.monotonic() - started >= 0.9
    eventually(lambda: left(cloud, "Queue") == 0)
    assert seen(cloud, "good") == 1


def test_hopeless_message_goes_to_the_dead_letters(cloud: LocalCloud) -> None:
    """After as many tries as the template allows."""
    send(cloud, {"name": "hopeless", "failures": 99})
    eventually(lambda: left(cloud, "DeadLetters") == 1)
    assert seen(cloud, "hopeless") == 2
    assert left(cloud, "Queue") == 0


def test_pauses_grow_to_a_minute() -> None:
    """Two seconds at first, unless a test says otherwise."""
    assert [queues.retry_seconds(n) for n in (1, 2, 3, 20)] == [1, 2, 4, 60]


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, {"a", "b"}),
        ({"batchItemFailures": [{}]}, {"a", "b"}),
    ],
)
def test_partial_failures_are_read_as_lambda_reads_them(answer: Any, failed: set[str]) -> None:
    """What cannot be understood fails the whole batch."""
    messages = [{"MessageId": "a"}, {"MessageId": "b"}]
    outcome = Outcome(json.dumps(answer).encode())
    assert queues.failed_ids(outcome, messages, partial=True) == failed
    assert queues.failed_ids(failure("E", "e"), messages, partial=True) == {"a", "b"}
