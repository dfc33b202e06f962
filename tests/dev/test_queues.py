"""Queues: done is deleted, failed comes back, failed too often goes aside."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dev import queues
from dev.functions import Outcome, failure
from tests.dev.support import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.cloud import LocalCloud


@pytest.fixture(autouse=True)
def soon(cloud: LocalCloud) -> Iterator[None]:
    """Let failed messages come back after one second."""
    cloud.dials.set("retry_seconds", 1)
    yield
    cloud.dials.set("retry_seconds", 0)


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


def test_what_a_function_has_hidden_stays_hidden(cloud: LocalCloud) -> None:
    """API_ChangeMessageVisibility.html: from the call on, in place of the queue's own time."""
    send(cloud, {"name": "patient", "failures": 1, "hide": 4})
    started = time.monotonic()
    eventually(lambda: seen(cloud, "patient") == 1)
    eventually(lambda: seen(cloud, "patient") == 2)
    assert 3.5 <= time.monotonic() - started < 9
    eventually(lambda: left(cloud, "Queue") == 0)


def test_without_the_dial_the_queues_own_time_counts(cloud: LocalCloud) -> None:
    """sqs-visibility-timeout.html; the small stack's queue hides for a minute."""
    cloud.dials.set("retry_seconds", 0)
    send(cloud, {"name": "slow", "failures": 1})
    eventually(lambda: seen(cloud, "slow") == 1)
    time.sleep(2)
    assert (seen(cloud, "slow"), left(cloud, "Queue")) == (1, 1)
    cloud.client("sqs").purge_queue(QueueUrl=cloud.resources["Queue"])


def test_a_mapping_has_its_own_concurrency(cloud: LocalCloud) -> None:
    """services-sqs-scaling.html of Lambda's guide: ScalingConfig, at most so many at once."""
    [source] = cloud.stack.sources
    assert source.concurrency == 3
    at_once, most, lock = [0], [0], threading.Lock()

    def handler(event: Any, context: Any) -> Any:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.2)
        with lock:
            at_once[0] -= 1

    with cloud.serving("QueueFunction", handler):
        send(cloud, *({"name": f"at-once-{n}"} for n in range(40)))
        eventually(lambda: left(cloud, "Queue") == 0)
    assert most[0] == 3


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"MessageBody": "x" * (1024 * 1024 + 1)}, "InvalidParameterValue"),
        ({"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
        ({"MessageBody": "half \ud83d"}, "InvalidMessageContents"),
        (
            {
                "MessageBody": "x" * (1024 * 1024 - 10),
                "MessageAttributes": {"name": {"DataType": "String", "StringValue": "value"}},
            },
            "InvalidParameterValue",
        ),
    ],
)
def test_messages_have_bounds(cloud: LocalCloud, message: dict[str, Any], code: str) -> None:
    """quotas-messages.html and API_SendMessage.html: 1 MiB since 2025, 15 minutes, valid text."""
    url = cloud.resources["DeadLetters"]
    with pytest.raises(ClientError) as caught:
        cloud.client("sqs").send_message(QueueUrl=url, **message)
    assert caught.value.response["Error"]["Code"] == code


def test_the_largest_message_is_taken(cloud: LocalCloud) -> None:
    sqs, url = cloud.client("sqs"), cloud.resources["DeadLetters"]
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1024 * 1024)
    sqs.purge_queue(QueueUrl=url)


def test_pauses_grow_to_a_minute() -> None:
    assert [queues.retry_seconds(2, n) for n in (1, 2, 3, 20)] == [2, 4, 8, 60]


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
