"""The stack of what leaves a table, in this process and on a clock that stands still."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dev.cloud import LocalCloud
from dev.logs import Log
from sam_template.template import Template
from tests.dev.support import FIXTURES

EVENTS_STACK = FIXTURES / "events.yaml"


class Function:
    """A function that remembers what it got, and answers as it is told; raises what is an error."""

    def __init__(self) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.answers: list[Any] = []

    def __call__(self, event: Any, context: Any) -> Any:
        self.batches.append(event["Records"])
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer(event["Records"]) if callable(answer) else answer

    def fail(self, *indexes: int) -> None:
        """Name records of one batch as failed."""
        self.answers.append(lambda records: failures(records, indexes))

    @property
    def got(self) -> list[dict[str, Any]]:
        return [record for batch in self.batches for record in batch]


def failures(records: list[dict[str, Any]], indexes: tuple[int, ...]) -> dict[str, Any]:
    def name(record: dict[str, Any]) -> str:
        return str(record.get("messageId") or record["dynamodb"]["SequenceNumber"])

    return {"batchItemFailures": [{"itemIdentifier": name(records[n])} for n in indexes]}


class Outgoing:
    """
    The cloud, and what tests do with it.

    Attributes:
        news: Works off the stream.
        deliver: Works off the FIFO queue.
    """

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.news, self.deliver = Function(), Function()
        self.cloud: LocalCloud

    def time(self) -> float:
        return self.now

    def put(self, pk: str, sk: str = "TASK", **values: Any) -> None:
        item = {"pk": {"S": pk}, "sk": {"S": sk}, **values}
        self.client("dynamodb").put_item(TableName=self.cloud.resources["Table"], Item=item)

    def say(self, pk: str, event: str) -> None:
        """Write an item that the stream tells of."""
        self.put(pk, event={"S": event})

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    def send(self, body: str, group: str = "a", **more: Any) -> Any:
        given = {"MessageDeduplicationId": body, **more}
        url = self.cloud.resources["Deliveries"]
        return self.client("sqs").send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId=group, **given
        )

    def receive(self, queue: str = "Deliveries", most: int = 10) -> list[dict[str, Any]]:
        found = self.client("sqs").receive_message(
            QueueUrl=self.cloud.resources[queue],
            MaxNumberOfMessages=most,
            MessageSystemAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = found.get("Messages", [])
        return messages

    def pump(self) -> int:
        """Work off every batch of the stream that is due; returns how many those were."""
        batches = 0
        while self.cloud.sources.pump_stream():
            batches += 1
        return batches

    def pump_later(self) -> None:
        """Let time pass until nothing of the stream is left."""
        while (due := self.cloud.sources.stream_due_at()) is not None:
            self.now = max(self.now, due)
            self.pump()


@contextmanager
def outgoing(**values: str) -> Iterator[Outgoing]:
    found = Outgoing()
    with LocalCloud(
        Template(EVENTS_STACK),
        values,
        functions={"NewsFunction": found.news, "DeliverFunction": found.deliver},
        log=Log(io.StringIO()),
        poll_queues=False,
        clock=found.time,
    ) as found.cloud:
        yield found
