"""
What a table's stream tells: one record for each item that a request has changed.

moto's own streams are not used: they tell of the two steps in which moto makes a new item, of
writes that change nothing, and call everything `us-east-1`.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html: a write that does not
change an item leaves no record. The shape is that of
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from dev.dynamodb_values import item_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from moto.dynamodb.models.dynamo_type import Item
    from moto.dynamodb.models.table import Table

# Sequence numbers have 21 digits and more, and those of one shard are as long as one another.
_FIRST_NUMBER = 10**20
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
_EXPIRED_BY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


@dataclass(frozen=True)
class Change:
    """
    One record of a stream.

    Attributes:
        number: Its sequence number.
        partition: The value of the partition key, as JSON; records of one are kept in order.
        seen_at: When this process has first known of it, in unix seconds.
        record: As functions get it, without the stream's ARN, which is new with each start.

    """

    number: int
    partition: str
    seen_at: float
    record: Mapping[str, Any]


class Reader(Protocol):
    """Who is fed from a stream."""

    name: str
    table: str

    def wants(self, record: Mapping[str, Any]) -> bool: ...

    def add(self, change: Change) -> None: ...


@dataclass
class Fresh:
    """What one request has changed, with those who want it; not theirs before it is safe."""

    changes: list[tuple[Reader, Change]]
    is_safe: bool = False


class Changes:
    """
    The streams of one cloud.

    `note` and `take` are called under DynamoDB's lock, so the order of records is the order of
    writes; `publish` outside it, once what was taken is on disk.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._readers: list[Reader] = []
        self._noted: list[tuple[Reader, Change]] = []
        self._taken: deque[Fresh] = deque()
        self._lock = threading.Lock()
        # Later than all of the run before, which may have left some behind.
        self._number = time.time_ns() // 1000

    def feed(self, reader: Reader) -> None:
        """Let somebody have the records of their table from now on."""
        self._readers.append(reader)

    def note(
        self, table: Table, before: Item | None, after: Item | None, *, expired: bool = False
    ) -> None:
        """Remember how a write has left an item; None where there is none."""
        readers = [one for one in self._readers if one.table == table.name]
        if not readers or table.stream_shard is None:
            return
        old, new = _attributes(before), _attributes(after)
        if old == new:
            return
        self._number += 1
        record = self._record(table, old, new)
        if expired:
            record["userIdentity"] = _EXPIRED_BY
        partition = json.dumps(record["dynamodb"]["Keys"][table.hash_key_attr])
        change = Change(_FIRST_NUMBER + self._number, partition, self._clock(), record)
        self._noted += [(one, change) for one in readers if one.wants(record)]

    def take(self) -> Fresh:
        """Take what was noted since the last time."""
        fresh = Fresh(self._noted)
        self._noted = []
        if fresh.changes:
            with self._lock:
                self._taken.append(fresh)
        return fresh

    def publish(self, fresh: Fresh) -> None:
        """Hand records to their readers, in the order in which they were taken."""
        with self._lock:
            fresh.is_safe = True
            while self._taken and self._taken[0].is_safe:
                for reader, change in self._taken.popleft().changes:
                    reader.add(change)

    def _record(
        self, table: Table, old: dict[str, Any] | None, new: dict[str, Any] | None
    ) -> dict[str, Any]:
        view = (table.stream_specification or {})["StreamViewType"]
        item = new if new is not None else old or {}
        names = [table.hash_key_attr, table.range_key_attr]
        keys = {name: item[name] for name in names if name is not None}
        images = {}
        if new is not None and view in {"NEW_IMAGE", "NEW_AND_OLD_IMAGES"}:
            images["NewImage"] = new
        if old is not None and view in {"OLD_IMAGE", "NEW_AND_OLD_IMAGES"}:
            images["OldImage"] = old
        number = str(_FIRST_NUMBER + self._number)
        return {
            "eventID": uuid.uuid5(uuid.NAMESPACE_OID, number).hex,
            "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": table.region_name,
            "dynamodb": {
                "ApproximateCreationDateTime": int(self._clock()),
                "Keys": keys,
                **images,
                "SequenceNumber": number,
                "SizeBytes": item_size(keys) + sum(map(item_size, images.values())),
                "StreamViewType": view,
            },
        }


def _attributes(item: Item | None) -> dict[str, Any] | None:
    return None if item is None else dict(item.to_json()["Attributes"])
