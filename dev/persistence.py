"""Carries state between moto's memory and the state folder, both ways."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.sax.saxutils import unescape

from moto.dynamodb.models import dynamodb_backends
from moto.s3.exceptions import MissingBucket
from moto.s3.models import FakeKey, s3_backends

from dev.queue_state import CHANGING, QueueState
from dev.records import MUTATING, Key, touched_keys
from dev.seams import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dev.changes import Fresh
    from dev.moto_server import Environ
    from dev.stack import Stack
    from dev.state import State, StoredObject


class Persistence:
    """
    Follows what moto is asked to keep, and puts it back at the next start.

    Called under DynamoDB's lock for items and SQS's for messages, so that the order of writes is
    the order on disk. What a write tells the table's stream reaches the disk with the item.
    """

    def __init__(self, state: State, stack: Stack, region: str = REGION) -> None:
        self._state = state
        self._tables = stack.physical("AWS::DynamoDB::Table")
        self._buckets = stack.physical("AWS::S3::Bucket")
        self._physical = {
            name: physical for physical, name in {**self._tables, **self._buckets}.items()
        }
        self._dynamodb = dynamodb_backends[ACCOUNT][region]
        self._s3 = s3_backends[ACCOUNT]["aws"]
        self._s3_lock = threading.Lock()
        self._messages = QueueState(state, stack.physical("AWS::SQS::Queue"), region)

    # to the folder

    def aws_call(self, service: str, action: str, body: bytes, fresh: Fresh | None) -> bool:
        """Keep what a call has changed; True if there is something to flush."""
        if service == "AmazonSQS" and action in CHANGING:
            return self._messages.keep(json.loads(body)["QueueUrl"])
        if service != "DynamoDB" or action not in MUTATING:
            return False
        self.items_changed(touched_keys(action, json.loads(body), self._dynamodb.tables), fresh)
        return True

    def items_changed(self, keys: Iterable[Key], fresh: Fresh | None) -> None:
        """Keep items as they are now, and what the stream tells of them."""
        with self._state.together:
            for key in keys:
                self._keep_item(key)
            for reader, change in fresh.changes if fresh else ():
                self._state.put_change(reader.name, change.number, change.partition, change.record)

    def s3_call(self, environ: Environ, body: bytes) -> None:
        if "s3" not in environ.get("HTTP_AUTHORIZATION", "s3"):
            return
        bucket, _, key = unquote(environ["RAW_URI"].partition("?")[0]).lstrip("/").partition("/")
        if bucket in self._buckets:
            for name in [key] if key else _keys_in(body):
                with self._s3_lock:
                    self._keep_object(bucket, name)

    def flush(self) -> None:
        """Wait until all that was kept would survive a kill."""
        self._state.flush()

    def _keep_item(self, key: Key) -> None:
        item = self._dynamodb.tables[key.table].get_item(key.hash, key.range)
        table = self._tables.get(key.table)
        name = json.dumps([key.hash.to_json(), key.range and key.range.to_json()])
        if table is not None and item is None:
            self._state.delete_item(table, name)
        elif table is not None and item is not None:
            self._state.put_item(table, name, item.to_json()["Attributes"])

    def _keep_object(self, bucket: str, key: str) -> None:
        try:
            found = self._s3.get_object(bucket, key)
        except MissingBucket:
            return
        if isinstance(found, FakeKey):
            facts = {
                "metadata": dict(found._metadata),  # noqa: SLF001 - the public one renames keys
                "etag": found.etag.strip('"'),
                "modified": found.last_modified.timestamp(),
            }
            self._state.put_object(self._buckets[bucket], key, found.value, facts)
        else:
            self._state.delete_object(self._buckets[bucket], key)

    # from the folder

    def restore(self) -> list[dict[str, Any]]:
        """Put everything back; returns the items, as DynamoDB's JSON."""
        items = []
        for table, item in self._state.items():
            if table in self._physical:
                self._dynamodb.tables[self._physical[table]].put_item(item)
                items.append(item)
        self._messages.restore()
        for stored in self._state.objects():
            if stored.bucket in self._physical and stored.path.exists():
                self._restore_object(stored)
        return items

    def _restore_object(self, stored: StoredObject) -> None:
        key = self._s3.put_object(
            self._physical[stored.bucket],
            stored.key,
            stored.path.read_bytes(),
            etag=stored.facts["etag"],
            disable_notification=True,
        )
        key.set_metadata(stored.facts["metadata"])
        key.last_modified = datetime.fromtimestamp(stored.facts["modified"], UTC).replace(
            tzinfo=None
        )


def _keys_in(body: bytes) -> list[str]:
    """Read the keys out of a bulk deletion, or the one out of a browser's form."""
    text = body[:1_000_000].decode(errors="replace")
    form = re.search(r'name="key"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]+)', text)
    if form:
        return [form[1]]
    return [unescape(key) for key in re.findall(r"<Key>(.*?)</Key>", text)]


def open_tasks(items: list[dict[str, Any]]) -> list[str]:
    """List the tasks that still need a watcher: not settled, and not given up."""
    return [
        str(_text(item, "pk")).removeprefix("TASK#")
        for item in items
        if str(_text(item, "pk")).startswith("TASK#")
        and _text(item, "sk") == "TASK"
        and _text(item, "next_step") not in {None, "none"}
        and _text(item, "status") != "expired"
    ]


def _text(item: dict[str, Any], name: str) -> str | None:
    value = item.get(name, {}).get("S")
    return None if value is None else str(value)
