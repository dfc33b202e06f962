"""The delivery queue: deliveries of events that are to be tried."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import translated
from kie_gateway.aws.visibility import hide_message
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.events.delivery import LONGEST_PAUSE, Delivery

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
_MOST_AT_ONCE = 10


class SqsDeliveryQueue:
    """
    The queue, as flows need it (`core/ports/deliveries.py`, DeliveryQueue).

    It is a FIFO queue: a message that waits to be tried again keeps back those of its group. What
    is begun again by hand is in another group than before, since nobody who asks for a delivery now
    wants to wait for hours.
    """

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """
        Have deliveries tried, in order where endpoint and subject are the same.

        Raises:
            BackendUnavailableError: Some are not sent; sending them again does no harm.
        """
        for some in batched(deliveries, _MOST_AT_ONCE, strict=False):
            with translated("SQS"):
                answer = self._client.send_message_batch(
                    QueueUrl=self._queue_url, Entries=list(_entries(some))
                )
            failed = answer.get("Failed", [])
            if failed:
                codes = ", ".join(sorted({one["Code"] for one in failed}))
                raise BackendUnavailableError(f"SQS: {len(failed)} messages not sent: {codes}")

    def hide(self, receipt_handle: str, seconds: float) -> None:
        """
        Have a message that is not done with come back after a pause.

        Args:
            seconds: Rounded up; at most `LONGEST_PAUSE`.

        Raises:
            BackendUnavailableError: It comes back after the queue's own pause instead.
        """
        hide_message(
            self._client,
            self._queue_url,
            receipt_handle,
            seconds,
            longest=LONGEST_PAUSE.total_seconds(),
        )


def _entries(deliveries: Sequence[Delivery]) -> "Iterator[SendMessageBatchRequestEntryTypeDef]":
    for place, one in enumerate(deliveries):
        yield {
            "Id": str(place),
            "MessageBody": json.dumps({"owner": one.owner, "delivery_id": one.delivery_id}),
            "MessageGroupId": _digest(one.owner, one.endpoint_id, one.about, one.beginnings)[:32],
            # What is begun again within five minutes is no repetition of the message before.
            "MessageDeduplicationId": _digest(one.owner, one.delivery_id, one.beginnings),
        }


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()
