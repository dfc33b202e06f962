"""The store queue: what its messages say, and how long they stay away."""

import json
from itertools import count
from typing import TYPE_CHECKING

import boto3
import pytest

from kie_gateway.aws.store_queue import LONGEST_PAUSE_SECONDS, SqsStoreQueue
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.task import Step
from tests.makers import TASK_ID

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_numbers = count()


@pytest.fixture
def sqs(aws: boto3.session.Session) -> "SQSClient":
    return aws.client("sqs")


@pytest.fixture
def queue_url(sqs: "SQSClient") -> str:
    return sqs.create_queue(QueueName=f"store-{next(_numbers)}")["QueueUrl"]


@pytest.fixture
def queue(sqs: "SQSClient", queue_url: str) -> SqsStoreQueue:
    return SqsStoreQueue(sqs, queue_url)


def receive(sqs: "SQSClient", queue_url: str) -> list["MessageTypeDef"]:
    answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=900)
    return answer.get("Messages", [])


def test_messages_name_a_task_and_a_step(
    queue: SqsStoreQueue, sqs: "SQSClient", queue_url: str
) -> None:
    queue.request_storing(TASK_ID)
    queue.request_asking(TASK_ID)
    bodies = [json.loads(message["Body"]) for message in receive(sqs, queue_url)]
    assert sorted(bodies, key=str) == [
        {"task_id": TASK_ID, "step": Step.ASK.value},
        {"task_id": TASK_ID, "step": Step.STORE.value},
    ]


@pytest.mark.parametrize(
    ("pause", "hidden_seconds"),
    [(0, 0), (-5, 0), (0.01, 1), (1, 1), (44.001, 45), (300, 300), (1e9, LONGEST_PAUSE_SECONDS)],
)
def test_a_message_stays_away_for_the_pause_it_is_given(
    queue: SqsStoreQueue, sqs: "SQSClient", queue_url: str, pause: float, hidden_seconds: int
) -> None:
    asked: list[int] = []
    event = "provide-client-params.sqs.ChangeMessageVisibility"
    sqs.meta.events.register(event, lambda params, **_: asked.append(params["VisibilityTimeout"]))
    queue.request_storing(TASK_ID)
    (message,) = receive(sqs, queue_url)
    queue.hide(message["ReceiptHandle"], pause)
    assert asked == [hidden_seconds]
    again = [one["MessageId"] for one in receive(sqs, queue_url)]
    assert again == ([] if hidden_seconds else [message["MessageId"]])


def test_trouble_of_sqs_is_told_in_one_way(sqs: "SQSClient", queue: SqsStoreQueue) -> None:
    gone = SqsStoreQueue(sqs, "https://sqs.us-east-1.amazonaws.com/123456789012/gone")
    for send in (gone.request_storing, gone.request_asking):
        with pytest.raises(BackendUnavailableError, match="SQS"):
            send(TASK_ID)
    with pytest.raises(BackendUnavailableError, match="SQS"):
        queue.hide("no receipt of ours", 1)
