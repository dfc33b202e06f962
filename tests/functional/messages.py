"""The store queue, which hides messages by the world's clock."""

import json
from typing import Any

from moto.sqs.models import Queue, sqs_backends

from dev import seams
from dev.cloud import InvocationError, LocalCloud
from tests.functional.agenda import Agenda


class Messages:
    """Feeds StoreFunction from its queue, as the event source mapping does."""

    def __init__(self, cloud: LocalCloud, agenda: Agenda) -> None:
        self._cloud = cloud
        self._agenda = agenda
        self._sqs: Any = cloud.client("sqs")
        self._queue_url = cloud.resources["StoreQueue"]

    def deliver(self) -> bool:
        """Have one message worked off; False if there is none."""
        # Looking costs nothing, and between two moments there is mostly nothing.
        if not self._queue.messages:
            return False
        received = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=1,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        for message in received.get("Messages", []):
            place = {"QueueUrl": self._queue_url, "ReceiptHandle": message["ReceiptHandle"]}
            if self._is_done(message):
                self._sqs.delete_message(**place)
            else:
                # It shows by itself then; the world only has to go on to that moment.
                self._agenda.at(self._shows_at(message), lambda: None)
            return True
        return False

    def take_dead_letters(self) -> list[dict[str, str]]:
        """Empty the dead-letter queue."""
        url = self._cloud.resources["StoreDeadLetterQueue"]
        found = self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in found]

    def forget(self) -> None:
        """Empty the queue, hidden messages and all."""
        # PurgeQueue may be called once a minute.
        self._queue._messages = []
        self._queue.pending_messages.clear()

    def _is_done(self, message: dict[str, Any]) -> bool:
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
        }
        try:
            answer = self._cloud.invoke("StoreFunction", {"Records": [record]})
        except InvocationError:
            return False
        return not answer["batchItemFailures"]

    def _shows_at(self, message: dict[str, Any]) -> float:
        """Read when a message may be received again, in unix seconds."""
        [hidden] = [one for one in self._queue._messages if one.id == message["MessageId"]]
        return hidden.visible_at / 1000

    @property
    def _queue(self) -> Queue:
        """The queue as moto has it."""
        name = self._queue_url.rpartition("/")[2]
        return sqs_backends[seams.ACCOUNT][self._cloud.region].queues[name]
