"""A queue for what cannot be worked off, until a person has looked at it."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kie_gateway.aws.errors import translated

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class DeadLetters:
    """The queue."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, letter: Mapping[str, Any]) -> None:
        """Set something aside. Raises BackendUnavailableError."""
        with translated("SQS"):
            self._client.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(letter))
