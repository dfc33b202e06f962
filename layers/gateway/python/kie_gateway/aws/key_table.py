"""
Callers' keys in the table: found by hash, and remembered for a short while.

A second item of each key, all in one place, says which hash an id stands for; it is how keys are
listed.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import refuse_lasting, translated
from kie_gateway.aws.table_keys import (
    api_key_hash,
    api_key_key,
    api_keys_partition,
    listed_api_key_key,
)
from kie_gateway.core.callers.api_key import USUAL, ApiKey, Scope, hash_key
from kie_gateway.core.short_memory import ShortMemory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        TransactWriteItemTypeDef,
    )

type Item = dict[str, "AttributeValueTypeDef"]

MEMORY_SECONDS = 30.0
MAX_REMEMBERED = 1000
USE_NOTED_EVERY = timedelta(hours=1)

_LIMITS = ("requests_per_minute", "tasks_at_once")
_TIMES = ("created_at", "expires_at", "revoked_at", "last_used_at")


class KeyTable:
    """
    Keys by hash and by id.

    Known and unknown keys alike are remembered for 30 s in this process: a revoked key stays in
    force that long, and a flood of wrong keys does not become a flood of reads.

    Attributes:
        memory: Of the keys that were looked up.

    Raises:
        BackendUnavailableError: DynamoDB did not answer.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._table = table_name
        self.memory = ShortMemory[str, ApiKey | None](MEMORY_SECONDS, clock, most=MAX_REMEMBERED)

    def find(self, key: str) -> ApiKey | None:
        """Find a key as a caller sent it."""
        key_hash = hash_key(key)
        if (remembered := self.memory.get(key_hash)) is not None:
            return remembered.value
        # Plain reads may lag behind, and a key is used right after it was made.
        found = self._read(key_hash) or self._read(key_hash, consistent=True)
        return self.memory.keep(key_hash, found)

    def put(self, key: ApiKey) -> None:
        """Write a key."""
        with translated():
            self._client.transact_write_items(TransactItems=self._writes(key))
        self.memory.forget(key.key_hash)

    def succeed(self, old: ApiKey, new: ApiKey, ends_at: datetime) -> bool:
        """Write a key and when the one before it ends; False if that has been revoked."""
        end: TransactWriteItemTypeDef = {
            "Update": {
                "TableName": self._table,
                "Key": api_key_key(old.key_hash),
                "UpdateExpression": "SET expires_at = :ends_at",
                "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(revoked_at)",
                "ExpressionAttributeValues": {":ends_at": {"S": _text(ends_at)}},
            }
        }
        with translated():
            try:
                self._client.transact_write_items(TransactItems=[end, *self._writes(new)])
            except self._client.exceptions.TransactionCanceledException as error:
                refuse_lasting(error)
                return False
        self.memory.forget(old.key_hash)
        return True

    def revoke(self, key: ApiKey, now: datetime) -> None:
        """Revoke a key, unless it is revoked already; nothing else of it changes."""
        with translated():
            self._client.update_item(
                TableName=self._table,
                Key=api_key_key(key.key_hash),
                UpdateExpression="SET revoked_at = if_not_exists(revoked_at, :now)",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":now": {"S": _text(now)}},
            )
        self.memory.forget(key.key_hash)

    def _writes(self, key: ApiKey) -> "list[TransactWriteItemTypeDef]":
        return [
            {"Put": {"TableName": self._table, "Item": item}}
            for item in (_write(key), _write_place(key))
        ]

    def by_id(self, key_id: str) -> ApiKey | None:
        """Find a key by its id."""
        with translated():
            place = self._client.get_item(
                TableName=self._table, Key=listed_api_key_key(key_id), ConsistentRead=True
            ).get("Item")
        return self._read(place["key_hash"]["S"], consistent=True) if place else None

    def list_keys(
        self, owner: str | None, *, limit: int, after: str | None
    ) -> tuple[list[ApiKey], str | None]:
        """
        List keys, oldest first.

        Returns:
            The keys, and the id to go on after; None at the end.
        """
        found: list[ApiKey] = []
        for place in self._places(after or ""):
            if owner not in (None, place["key_owner"]["S"]):
                continue
            if len(found) == limit:
                return found, found[-1].key_id
            key = self._read(place["key_hash"]["S"])
            found += [key] if key is not None else []
        return found, None

    def note_use(self, key: ApiKey, now: datetime) -> None:
        """Write down that a key was used, at most once an hour."""
        if key.last_used_at is not None and now - key.last_used_at < USE_NOTED_EVERY:
            return
        with translated():
            self._client.update_item(
                TableName=self._table,
                Key=api_key_key(key.key_hash),
                UpdateExpression="SET last_used_at = :now",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":now": {"S": _text(now)}},
            )
        self.memory.keep(key.key_hash, replace(key, last_used_at=now))

    def _read(self, key_hash: str, *, consistent: bool = False) -> ApiKey | None:
        with translated():
            answer = self._client.get_item(
                TableName=self._table, Key=api_key_key(key_hash), ConsistentRead=consistent
            )
        return _read(answer["Item"]) if "Item" in answer else None

    def _places(self, after: str) -> Iterator[Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :keys AND sk > :after",
            # No id is empty, and none sorts before this.
            ExpressionAttributeValues={
                ":keys": {"S": api_keys_partition()},
                ":after": {"S": after or " "},
            },
        )
        with translated():
            for page in pages:
                yield from page["Items"]


def _write(key: ApiKey) -> Item:
    item: Item = {
        **api_key_key(key.key_hash),
        "key_id": {"S": key.key_id},
        "key_owner": {"S": key.owner},
        "name": {"S": key.name},
        "scopes": {"SS": sorted(key.scopes)},
    }
    for name in _LIMITS:
        limit: int | None = getattr(key, name)
        if limit is not None:
            item[name] = {"N": str(limit)}
    for name in _TIMES:
        moment: datetime | None = getattr(key, name)
        if moment is not None:
            item[name] = {"S": _text(moment)}
    return item


def _read(item: Item) -> ApiKey:
    key_hash = api_key_hash(item)
    times = {name: datetime.fromisoformat(item[name]["S"]) for name in _TIMES if name in item}
    return ApiKey(
        # Keys of the first days have no id and no scopes.
        key_id=item["key_id"]["S"] if "key_id" in item else f"key_{key_hash[:26]}",
        key_hash=key_hash,
        owner=item["key_owner"]["S"],
        name=item["name"]["S"],
        created_at=times.get("created_at", datetime.min.replace(tzinfo=UTC)),
        scopes=frozenset(Scope(word) for word in item["scopes"]["SS"])
        if "scopes" in item
        else USUAL,
        expires_at=times.get("expires_at"),
        revoked_at=times.get("revoked_at"),
        last_used_at=times.get("last_used_at"),
        **{name: int(item[name]["N"]) for name in _LIMITS if name in item},
    )


def _write_place(key: ApiKey) -> Item:
    return {
        **listed_api_key_key(key.key_id),
        "key_id": {"S": key.key_id},
        "key_hash": {"S": key.key_hash},
        "key_owner": {"S": key.owner},
    }


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
