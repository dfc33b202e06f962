"""The delivery queue: what its messages say, which wait for each other, and for how long."""

import json
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from kie_gateway.aws.delivery_queue import SqsDeliveryQueue
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.events.delivery import Delivery, begun_again
from kie_gateway.core.events.task_webhook import PER_TASK
from tests.contract.test_webhook_tables import make_delivery
from tests.makers import NOW

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_numbers = count()


@pytest.fixture
def sqs(aws: boto3.session.Session) -> "SQSClient":
    return aws.client("sqs")


@pytest.fixture
def queue_url(sqs: "SQSClient") -> str:
    attributes: Any = {
        "FifoQueue": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
    }
    name = f"deliveries-{next(_numbers)}.fifo"
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


@pytest.fixture
def queue(sqs: "SQSClient", queue_url: str) -> SqsDeliveryQueue:
    return SqsDeliveryQueue(sqs, queue_url)


@pytest.fixture
def sent(sqs: "SQSClient") -> list[dict[str, Any]]:
    """What was handed over, call by call."""
    calls: list[dict[str, Any]] = []
    event = "provide-client-params.sqs.SendMessageBatch"
    sqs.meta.events.register(event, lambda params, **_: calls.append(params))
    return calls


def receive(sqs: "SQSClient", queue_url: str) -> list["MessageTypeDef"]:
    answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=900)
    return answer.get("Messages", [])


def groups(sent: list[dict[str, Any]]) -> list[str]:
    return [entry["MessageGroupId"] for call in sent for entry in call["Entries"]]


def about(number: int, subject: str, **more: Any) -> Delivery:
    return replace(make_delivery(number, **more), about=subject)


def test_a_message_names_owner_and_delivery_and_nothing_else(
    queue: SqsDeliveryQueue, sqs: "SQSClient", queue_url: str
) -> None:
    queue.send([make_delivery()])
    [message] = receive(sqs, queue_url)
    named = {"owner": "alice", "delivery_id": make_delivery().delivery_id}
    assert json.loads(message["Body"]) == named


def test_only_deliveries_about_the_same_to_the_same_endpoint_wait_for_each_other(
    queue: SqsDeliveryQueue, sent: list[dict[str, Any]]
) -> None:
    same = [about(1, "task_1"), about(2, "task_1")]
    others = [
        about(3, "task_2"),
        about(4, "task_1", endpoint=PER_TASK),
        about(5, "task_1", owner="bob"),
    ]
    queue.send([*same, *others])
    found = groups(sent)
    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_what_is_begun_again_waits_for_no_message_of_before(
    queue: SqsDeliveryQueue, sqs: "SQSClient", queue_url: str, sent: list[dict[str, Any]]
) -> None:
    """
    A message that is hidden keeps back its group, for hours here.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
    """
    queue.send([make_delivery()])
    assert len(receive(sqs, queue_url)) == 1
    queue.send([begun_again(make_delivery(), NOW)])
    assert len(receive(sqs, queue_url)) == 1
    assert len(set(groups(sent))) == 2


def test_a_delivery_sent_twice_is_there_once_until_it_is_begun_again(
    queue: SqsDeliveryQueue, sqs: "SQSClient", queue_url: str
) -> None:
    again = begun_again(make_delivery(), NOW)
    for one in (make_delivery(), make_delivery(), again, again):
        queue.send([one])
    assert len(receive(sqs, queue_url)) == 2


def test_many_are_sent_by_ten_and_in_order(
    queue: SqsDeliveryQueue, sqs: "SQSClient", queue_url: str, sent: list[dict[str, Any]]
) -> None:
    deliveries = [make_delivery(number) for number in range(23)]
    queue.send(deliveries)
    assert [len(call["Entries"]) for call in sent] == [10, 10, 3]
    bodies = [json.loads(entry["MessageBody"]) for call in sent for entry in call["Entries"]]
    assert [body["delivery_id"] for body in bodies] == [one.delivery_id for one in deliveries]
    queue.send([])
    assert len(sent) == 3


def test_a_message_that_is_not_taken_is_no_success(sqs: "SQSClient", queue_url: str) -> None:
    failed = {"Id": "1", "SenderFault": False, "Code": "InternalError"}
    with Stubber(sqs) as stub:
        stub.add_response("send_message_batch", {"Successful": [], "Failed": [failed]})
        with pytest.raises(BackendUnavailableError, match="1 messages not sent: InternalError"):
            SqsDeliveryQueue(sqs, queue_url).send([make_delivery(1), make_delivery(2)])


@pytest.mark.parametrize(
    ("pause", "hidden_seconds"), [(0, 0), (-5, 0), (0.01, 1), (44.001, 45), (1e9, 42_600)]
)
def test_a_message_stays_away_for_the_pause_it_is_given(
    queue: SqsDeliveryQueue, sqs: "SQSClient", queue_url: str, pause: float, hidden_seconds: int
) -> None:
    asked: list[int] = []
    event = "provide-client-params.sqs.ChangeMessageVisibility"
    sqs.meta.events.register(event, lambda params, **_: asked.append(params["VisibilityTimeout"]))
    queue.send([make_delivery()])
    [message] = receive(sqs, queue_url)
    queue.hide(message["ReceiptHandle"], pause)
    assert asked == [hidden_seconds]


def test_trouble_of_sqs_is_told_in_one_way(sqs: "SQSClient", queue: SqsDeliveryQueue) -> None:
    gone = SqsDeliveryQueue(sqs, "https://sqs.us-east-1.amazonaws.com/123456789012/gone.fifo")
    with pytest.raises(BackendUnavailableError, match="SQS"):
        gone.send([make_delivery()])
    with pytest.raises(BackendUnavailableError, match="SQS"):
        queue.hide("no receipt of ours", 1)
