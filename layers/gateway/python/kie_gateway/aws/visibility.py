"""Messages of queues that are not done with, and come back."""

import math
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


def hide_message(
    client: "SQSClient", queue_url: str, receipt_handle: str, seconds: float, *, longest: float
) -> None:
    """
    Have a message come back after a pause.

    Args:
        seconds: Rounded up.
        longest: Most seconds of a pause.

    Raises:
        BackendUnavailableError: It comes back after the queue's own pause instead.
    """
    with translated("SQS"):
        client.change_message_visibility(
            QueueUrl=queue_url,
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=min(math.ceil(max(seconds, 0)), int(longest)),
        )
