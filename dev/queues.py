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

from botocore.exceptions import ClientError
from moto.sqs.models import Queue, sqs_backends

from dev.seams import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from dev.dials import Dials
    from dev.functions import Outcome
    from dev.logs import Log
    from dev.mappings import QueueSource

_LONGEST_RETRY_SECONDS = 60
_IDLE_SECONDS = 0.1

type Message = dict[str, Any]
type Submit = Callable[[bytes], Future[Outcome]]


class QueueReader:
    """
    One event source mapping: receives messages, lets the function work them off, deletes them.

    A message in hand is hidden for the queue's own visibility timeout, as on AWS. One that failed
    stays hidden for what is left of it, or of the time that the function has set; only where it
    has set none, the dial `retry_seconds` lets it come back sooner: on this machine nobody waits
    sixteen minutes for a second try. moto moves a message to the dead-letter queue when it would
    be received more often than the queue allows.

    In a FIFO queue a message that failed keeps the rest of its group waiting.
    """

    def __init__(
        self, source: QueueSource, submit: Submit, sqs: Any, log: Log, dials: Dials
    ) -> None:
        self.source = source
        self._submit = submit
        self._sqs = sqs
        self._log = log
        self._dials = dials
        self._repeated: set[str] = set()

    def step(self) -> bool:
        """Work one batch off; False if there is none to be received."""
        messages = self.receive()
        if messages:
            self.deliver(messages)
        return bool(messages)

    def due_at(self) -> float | None:
        """Return when the next message may be received, in unix seconds; None if there is none."""
        groups: dict[str, float] = {}
        for one in list(self._queue._messages):  # noqa: SLF001 - those that are hidden, too
            # One that is hidden keeps its whole group waiting.
            group = one.group_id if self._queue.fifo_queue and one.group_id else one.id
            shows = max(one.visible_at, one.delayed_until) / 1000
            groups[group] = max(groups.get(group, 0.0), shows)
        return min(groups.values(), default=None)

    def receive(self) -> list[Message]:
        """Receive a batch, which may be empty."""
        # Ten times a second, all day: a request takes milliseconds, looking next to nothing.
        if not self._queue.messages:
            return []
        answer = self._sqs.receive_message(
            QueueUrl=self.source.queue_url,
            MaxNumberOfMessages=min(self.source.batch_size, 10),
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,
        )
        messages: list[Message] = answer.get("Messages", [])
        return messages

    def deliver(self, messages: list[Message]) -> None:
        """Let the function work a batch off, and do with each message as it says."""
        hidden = {message["MessageId"]: self._hidden_until(message) for message in messages}
        event = {"Records": [self._record(message) for message in messages]}
        outcome = self._submit(json.dumps(event).encode()).result()
        failed = failed_ids(outcome, messages, partial=self.source.partial_failures)
        for message in messages:
            if message["MessageId"] not in failed:
                self._done(message)
            elif self._hidden_until(message) == hidden[message["MessageId"]]:
                self._give_back(message)

    def _hidden_until(self, message: Message) -> float | None:
        """Return when a message shows again, in unix milliseconds; SQS itself tells nobody."""
        there = list(self._queue._messages)  # noqa: SLF001 - those that are hidden
        return next((one.visible_at for one in there if one.id == message["MessageId"]), None)

    @property
    def _queue(self) -> Queue:
        _, _, _, region, _, name = self.source.queue_arn.split(":")
        return sqs_backends[ACCOUNT][region].queues[name]

    def _done(self, message: Message) -> None:
        place = {"QueueUrl": self.source.queue_url, "ReceiptHandle": message["ReceiptHandle"]}
        name = message["MessageId"]
        try:
            if name not in self._repeated and self._dials.takes_share("queue_repeat"):
                self._repeated.add(name)
                self._sqs.change_message_visibility(**place, VisibilityTimeout=0)
            else:
                self._sqs.delete_message(**place)
                self._repeated.discard(name)
        except ClientError as exc:
            # Such as one whose handle has expired meanwhile: it comes again, and the others go.
            self._log.line("queue", f"cannot delete {name}: {exc}", level="ERROR")

    def _give_back(self, message: Message) -> None:
        """Shorten the queue's visibility timeout, if the dial says so."""
        if not self._dials.retry_seconds:
            return
        received = int(message["Attributes"]["ApproximateReceiveCount"])
        self._sqs.change_message_visibility(
            QueueUrl=self.source.queue_url,
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
            "eventSourceARN": self.source.queue_arn,
            "awsRegion": self.source.queue_arn.split(":")[3],
        }


class QueuePoller:
    """Lets a reader work by itself, on as many batches at once as mapping and dial allow."""

    def __init__(self, reader: QueueReader, log: Log, dials: Dials) -> None:
        self._reader = reader
        self._log = log
        self._stopped = threading.Event()
        concurrency = max(1, min(reader.source.concurrency, dials.queue_concurrency))
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
        try:
            return self._reader.receive()
        except Exception as exc:  # noqa: BLE001 - a poller that ends is worse than one that waits
            self._complain(f"cannot receive: {exc}")
            return []

    def _deliver(self, messages: list[Message]) -> None:
        try:
            self._reader.deliver(messages)
        except Exception as exc:  # noqa: BLE001
            self._complain(f"cannot deliver: {exc}")
        finally:
            self._free.release()

    def _complain(self, words: str) -> None:
        if not self._stopped.is_set():
            self._log.line("queue", words, level="ERROR")


def retry_seconds(first: float, received: int) -> int:
    """Return how long a failed message stays hidden; `received` counts from 1."""
    return int(pause_seconds(first, received))


def pause_seconds(first: float, failures: int) -> float:
    """Return how long what has failed rests: twice as long each time, at most a minute."""
    return min(first * 2.0 ** (failures - 1), _LONGEST_RETRY_SECONDS)


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
