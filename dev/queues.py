"""Feeds functions from queues: receive, invoke, delete; what fails comes back, then goes aside."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from dev.functions import Outcome
    from dev.logs import Log
    from dev.stack import QueueSource

CONCURRENCY = 8
# On this machine nobody waits sixteen minutes for a second try.
FIRST_RETRY_SECONDS = 2
_LONGEST_RETRY_SECONDS = 60
_IDLE_SECONDS = 0.1

type Message = dict[str, Any]
type Submit = Callable[[bytes], Future[Outcome]]


class QueuePoller:
    """
    One event source mapping.

    A message in hand is hidden for the queue's own visibility timeout, as on AWS; one that failed
    comes back after a few seconds, growing. moto moves it to the dead-letter queue when it would
    be received more often than the queue allows.
    """

    def __init__(self, source: QueueSource, submit: Submit, sqs: Any, log: Log) -> None:
        self._source = source
        self._submit = submit
        self._sqs = sqs
        self._log = log
        self._stopped = threading.Event()
        self._free = threading.Semaphore(CONCURRENCY)
        self._threads = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="queue")
        threading.Thread(target=self._poll, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _poll(self) -> None:
        while not self._stopped.is_set():
            self._free.acquire()
            messages = self._receive()
            if messages and not self._stopped.is_set():
                self._threads.submit(self._deliver, messages)
            else:
                self._free.release()
                self._stopped.wait(_IDLE_SECONDS)

    def _receive(self) -> list[Message]:
        try:
            answer = self._sqs.receive_message(
                QueueUrl=self._source.queue_url,
                MaxNumberOfMessages=min(self._source.batch_size, 10),
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
                WaitTimeSeconds=0,
            )
        except Exception as exc:  # noqa: BLE001 - a poller that ends is worse than one that waits
            if not self._stopped.is_set():
                self._log.line("queue", f"cannot receive: {exc}", level="ERROR")
            return []
        messages: list[Message] = answer.get("Messages", [])
        return messages

    def _deliver(self, messages: list[Message]) -> None:
        try:
            event = {"Records": [self._record(message) for message in messages]}
            outcome = self._submit(json.dumps(event).encode()).result()
            failed = failed_ids(outcome, messages, partial=self._source.partial_failures)
            for message in messages:
                self._give_back(message) if message["MessageId"] in failed else self._done(message)
        except Exception as exc:  # noqa: BLE001
            if not self._stopped.is_set():
                self._log.line("queue", f"cannot deliver: {exc}", level="ERROR")
        finally:
            self._free.release()

    def _done(self, message: Message) -> None:
        url = self._source.queue_url
        self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _give_back(self, message: Message) -> None:
        received = int(message["Attributes"]["ApproximateReceiveCount"])
        self._sqs.change_message_visibility(
            QueueUrl=self._source.queue_url,
            ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=retry_seconds(received),
        )

    def _record(self, message: Message) -> Message:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {
                name: _attribute(value)
                for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._source.queue_arn,
            "awsRegion": self._source.queue_arn.split(":")[3],
        }


def retry_seconds(received: int) -> int:
    """Tell how long a failed message stays hidden; `received` counts from 1."""
    return int(min(FIRST_RETRY_SECONDS * 2.0 ** (received - 1), _LONGEST_RETRY_SECONDS))


def failed_ids(outcome: Outcome, messages: list[Message], *, partial: bool) -> set[str]:
    """Read which messages failed; an answer that cannot be read fails all of them, as on AWS."""
    everything = {message["MessageId"] for message in messages}
    if outcome.failed:
        return everything
    answer = outcome.value()
    if not partial or not isinstance(answer, dict):
        return set()
    try:
        named = {str(entry["itemIdentifier"]) for entry in answer.get("batchItemFailures") or []}
    except (KeyError, TypeError):
        return everything
    # Lambda takes an id it does not know for a broken answer.
    return everything if named - everything else named


def _attribute(value: Message) -> Message:
    names = {"StringValue": "stringValue", "DataType": "dataType"}
    shown = {names[name]: value[name] for name in names if name in value}
    return {**shown, "stringListValues": [], "binaryListValues": []}
