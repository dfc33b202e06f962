"""
Feeds functions from queues: receive, invoke, delete; what fails comes back, then goes aside.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html: a message that failed
shows again when its visibility timeout is over, the queue's or the one that the function has set.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from moto.sqs.models import Queue, sqs_backends

from dev.seams import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from dev.dials import Dials
    from dev.functions import Outcome
    from dev.logs import Log
    from dev.stack import QueueSource

_LONGEST_RETRY_SECONDS = 60
_IDLE_SECONDS = 0.1

type Message = dict[str, Any]
type Submit = Callable[[bytes], Future[Outcome]]


class QueuePoller:
    """
    One event source mapping.

    A message in hand is hidden for the queue's own visibility timeout, as on AWS. One that failed
    stays hidden for what is left of it, or of the time that the function has set; only where it
    has set none, the dial `retry_seconds` lets it come back sooner: on this machine nobody waits
    sixteen minutes for a second try. moto moves a message to the dead-letter queue when it would
    be received more often than the queue allows.

    It works on as many batches at once as the mapping allows, and the dial `queue_concurrency`.
    """

    def __init__(
        self, source: QueueSource, submit: Submit, sqs: Any, log: Log, dials: Dials
    ) -> None:
        self._source = source
        self._submit = submit
        self._sqs = sqs
        self._log = log
        self._dials = dials
        self._stopped = threading.Event()
        concurrency = max(1, min(source.concurrency, dials.queue_concurrency))
        self._free = threading.Semaphore(concurrency)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="queue")
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
        # Ten times a second, all day: a request takes milliseconds, looking next to nothing.
        if not self._queue.messages:
            return []
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
        hidden = {message["MessageId"]: self._hidden_until(message) for message in messages}
        try:
            event = {"Records": [self._record(message) for message in messages]}
            outcome = self._submit(json.dumps(event).encode()).result()
            failed = failed_ids(outcome, messages, partial=self._source.partial_failures)
            for message in messages:
                if message["MessageId"] not in failed:
                    self._done(message)
                elif self._hidden_until(message) == hidden[message["MessageId"]]:
                    self._give_back(message)
        except Exception as exc:  # noqa: BLE001
            if not self._stopped.is_set():
                self._log.line("queue", f"cannot deliver: {exc}", level="ERROR")
        finally:
            self._free.release()

    def _hidden_until(self, message: Message) -> float | None:
        """Return when a message shows again, in unix milliseconds; SQS itself tells nobody."""
        there = list(self._queue._messages)  # noqa: SLF001 - those that are hidden
        return next((one.visible_at for one in there if one.id == message["MessageId"]), None)

    @property
    def _queue(self) -> Queue:
        _, _, _, region, _, name = self._source.queue_arn.split(":")
        return sqs_backends[ACCOUNT][region].queues[name]

    def _done(self, message: Message) -> None:
        url = self._source.queue_url
        self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _give_back(self, message: Message) -> None:
        """Shorten the queue's visibility timeout, if the dial says so."""
        if not self._dials.retry_seconds:
            return
        received = int(message["Attributes"]["ApproximateReceiveCount"])
        self._sqs.change_message_visibility(
            QueueUrl=self._source.queue_url,
            ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=retry_seconds(self._dials.retry_seconds, received),
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


def retry_seconds(first: float, received: int) -> int:
    """Return how long a failed message stays hidden; `received` counts from 1."""
    return int(min(first * 2.0 ** (received - 1), _LONGEST_RETRY_SECONDS))


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
