"""Which items a DynamoDB request writes to, read from the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.dynamodb.models.dynamo_type import DynamoType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from moto.dynamodb.models.table import Table

MUTATING = frozenset(
    ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
)


@dataclass(frozen=True)
class Key:
    """Where one item stands; `range` is None in a table without a sort key."""

    table: str
    hash: DynamoType
    range: DynamoType | None


def touched_keys(action: str, body: Mapping[str, Any], tables: Mapping[str, Table]) -> list[Key]:
    """List the items a request may write, as far as the request is in order."""
    found = (_key(tables, table, attributes) for table, attributes in _writes(action, body))
    return [key for key in found if key is not None]


def _writes(action: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if action == "TransactWriteItems":
        for entry in body["TransactItems"]:
            for write in entry.values():
                yield write.get("TableName", ""), write.get("Item", write.get("Key", {}))
    elif action == "BatchWriteItem":
        for table, requests in body["RequestItems"].items():
            for request in requests:
                for write in request.values():
                    yield table, write.get("Item", write.get("Key", {}))
    elif action in MUTATING:
        yield body["TableName"], body.get("Item", body.get("Key", {}))


def _key(tables: Mapping[str, Table], name: str, attributes: Mapping[str, Any]) -> Key | None:
    # A table may be named by its ARN.
    table = tables.get(name.rsplit("/", 1)[-1])
    if table is None or table.hash_key_attr not in attributes:
        return None
    range_key = None
    if table.range_key_attr is not None:
        if table.range_key_attr not in attributes:
            return None
        range_key = DynamoType(attributes[table.range_key_attr])
    return Key(table.name, DynamoType(attributes[table.hash_key_attr]), range_key)
