"""Callers' keys in the table: found by hash, never by owner, and remembered for a short while."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from kie_gateway.core.api_key import ApiKey, hash_key
from kie_gateway.core.errors import RecordUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

MEMORY_SECONDS = 30.0
MAX_REMEMBERED = 1000


class KeyTable:
    """
    Keys by hash.

    Known and unknown keys alike are remembered for 30 s in this process: a revoked key stays in
    force that long, and a flood of wrong keys does not become a flood of reads.
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
        self._clock = clock
        self._remembered: dict[str, tuple[float, ApiKey | None]] = {}

    def find(self, key: str) -> ApiKey | None:
        """
        Find a key as a caller sent it.

        Raises:
            RecordUnavailableError: DynamoDB did not answer.
        """
        key_hash = hash_key(key)
        seen_at, known = self._remembered.get(key_hash, (-MEMORY_SECONDS, None))
        if self._clock() - seen_at < MEMORY_SECONDS:
            return known
        found = self._read(key_hash)
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[key_hash] = (self._clock(), found)
        return found

    def add(
        self, key: str, *, owner: str, name: str, now: datetime, expires_at: datetime | None = None
    ) -> ApiKey:
        """Write a key; the same key again replaces what was known of it."""
        added = ApiKey(hash_key(key), owner, name, expires_at)
        item: dict[str, AttributeValueTypeDef] = {
            "pk": {"S": f"KEY#{added.key_hash}"},
            "sk": {"S": "KEY"},
            "key_owner": {"S": owner},
            "name": {"S": name},
            "created_at": {"S": now.isoformat(timespec="milliseconds")},
        }
        if expires_at is not None:
            item["expires_at"] = {"S": expires_at.isoformat(timespec="milliseconds")}
        try:
            self._client.put_item(TableName=self._table, Item=item)
        except (ClientError, BotoCoreError) as error:
            raise RecordUnavailableError(f"DynamoDB: {error}") from error
        return added

    def _read(self, key_hash: str) -> ApiKey | None:
        try:
            answer = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": f"KEY#{key_hash}"}, "sk": {"S": "KEY"}}
            )
        except (ClientError, BotoCoreError) as error:
            raise RecordUnavailableError(f"DynamoDB: {error}") from error
        if "Item" not in answer:
            return None
        item = answer["Item"]
        expires_at = item.get("expires_at")
        return ApiKey(
            key_hash=key_hash,
            owner=item["key_owner"]["S"],
            name=item["name"]["S"],
            expires_at=datetime.fromisoformat(expires_at["S"]) if expires_at else None,
        )
