"""The store queue: what must be done about a task after Kie.ai has its answer."""

import json
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import translated
from kie_gateway.aws.visibility import hide_message

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# SQS allows 12 h since the message was received, and a call may have taken 15 min of them.
LONGEST_PAUSE_SECONDS = 42_000


class SqsStoreQueue:
    """The queue, as flows need it (`core/ports/watching.py`, StoreQueue)."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def request_storing(self, task_id: str) -> None:
        """Ask for the results of a task to be copied. Raises BackendUnavailableError."""
        self._send({"task_id": task_id, "step": "store"})

    def request_asking(self, task_id: str) -> None:
        """Ask for Kie.ai to be asked about a task. Raises BackendUnavailableError."""
        self._send({"task_id": task_id, "step": "ask"})

    def _send(self, message: dict[str, str]) -> None:
        with translated("SQS"):
            self._client.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(message))

    def hide(self, receipt_handle: str, seconds: float) -> None:
        """
        Have a message that is not done with come back after a pause.

        Args:
            seconds: Rounded up; at most `LONGEST_PAUSE_SECONDS`.

        Raises:
            BackendUnavailableError: It comes back after the queue's own pause instead.
        """
        hide_message(
            self._client,
            self._queue_url,
            receipt_handle,
            seconds,
            longest=LONGEST_PAUSE_SECONDS,
        )
