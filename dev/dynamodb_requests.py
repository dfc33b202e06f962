"""
What DynamoDB refuses in a request, whatever the table holds.

Keys: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (partition
keys and sort keys). Transactions: transaction-apis.html beside it. Consistent reads of global
indexes: HowItWorks.ReadConsistency.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.dynamodb.exceptions import (
    HashKeyTooLong,
    ItemSizeTooLarge,
    KeyIsEmptyStringException,
    MockValidationException,
    MultipleTransactionsException,
    ProvidedKeyDoesNotExist,
    RangeKeyTooLong,
    TooManyTransactionsException,
)

from dev.dynamodb_expressions import check_expressions
from dev.dynamodb_values import MAX_ITEM_BYTES, check_item, item_size, value_size
from dev.records import touched_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from moto.dynamodb.models.table import Table

    from dev.dynamodb_values import Item

MAX_HASH_BYTES = 2048
MAX_RANGE_BYTES = 1024
MAX_TRANSACTION_ACTIONS = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024

type Request = Mapping[str, Any]
type Tables = Mapping[str, Table]


def check_request(action: str, body: Request, tables: Tables) -> None:
    """
    Refuse a request that DynamoDB would refuse without a look at its items.

    Args:
        action: Such as `UpdateItem`.
        body: Its parameters, as DynamoDB's JSON.
        tables: All there are, by name; of one that is missing nothing is said here.

    Raises:
        MockValidationException: With DynamoDB's words.

    """
    if action in {"TransactWriteItems", "TransactGetItems"}:
        _check_count(body["TransactItems"])
    for part in parts(action, body):
        check_item(part.get("Item", {}))
        check_item(part.get("ExpressionAttributeValues", {}))
        check_expressions(part)
        table = tables.get(str(part.get("TableName", "")).rsplit("/", 1)[-1])
        if table is not None:
            _check_place(part, table)
    if action == "TransactWriteItems":
        _check_transaction(body, tables)


def parts(action: str, body: Request) -> Iterator[Request]:
    """Return the single requests that a request is made of."""
    if action in {"TransactWriteItems", "TransactGetItems"}:
        for entry in body["TransactItems"]:
            yield from entry.values()
    elif action == "BatchGetItem":
        for name, request in body["RequestItems"].items():
            shared = {key: value for key, value in request.items() if key != "Keys"}
            yield {"TableName": name, **shared}
            yield from ({"TableName": name, "Key": key} for key in request["Keys"])
    elif action == "BatchWriteItem":
        for name, requests in body["RequestItems"].items():
            for request in requests:
                yield from ({"TableName": name, **write} for write in request.values())
    else:
        yield body


def index_problem(item: Item, table: Table, *, updated: bool) -> str | None:
    """
    Return what keeps an item out of a global index, which refuses the whole write.

    The words for updates stand in API_TransactWriteItems.html, cancellation reasons.
    """
    kinds = {one["AttributeName"]: one["AttributeType"] for one in table.attr}
    for index in table.global_indexes:
        for element in index.schema:
            name = element["AttributeName"]
            if name not in item:
                continue
            [(kind, content)] = item[name].items()
            limit = MAX_HASH_BYTES if element["KeyType"] == "HASH" else MAX_RANGE_BYTES
            problem = _key_problem(kind, content, kinds[name], limit)
            if problem is not None:
                return _index_words(problem, updated, index.name, name, kinds[name], kind)
    return None


def _key_problem(kind: str, content: Any, wanted: str, limit: int) -> str | None:
    if kind != wanted:
        return "type"
    if kind in {"S", "B"} and not content:
        return "empty"
    return "size" if value_size({kind: content}) > limit else None


def _index_words(
    problem: str,
    updated: bool,
    index: str,
    name: str,
    wanted: str,
    kind: str,
) -> str:
    if updated:
        begin = "The update expression attempted to update the secondary index key "
        return (
            begin
            + {
                "type": "to unsupported type",
                "size": "beyond allowed size limits",
                "empty": "to a value that is not supported. The AttributeValue for a key attribute "
                "cannot contain an empty string value.",
            }[problem]
        )
    if problem == "type":
        return (
            f"One or more parameter values were invalid: Type mismatch for Index Key {name} "
            f"Expected: {wanted} Actual: {kind} IndexName: {index}"
        )
    if problem == "size":
        return (
            "One or more parameter values were invalid: "
            f"Size of secondary index key {name} has exceeded its limit IndexName: {index}"
        )
    return (
        "One or more parameter values are not valid. A value specified for a secondary index key "
        "is not supported. The AttributeValue for a key attribute cannot contain an empty string "
        f"value. IndexName: {index}, IndexKey: {name}"
    )


def _check_place(part: Request, table: Table) -> None:
    if "Item" in part:
        _check_keys(part["Item"], table)
        if item_size(part["Item"]) > MAX_ITEM_BYTES:
            raise ItemSizeTooLarge
        problem = index_problem(part["Item"], table, updated=False)
        if problem is not None:
            raise MockValidationException(problem)
    if "Key" in part:
        if set(part["Key"]) != {table.hash_key_attr, table.range_key_attr} - {None}:
            raise ProvidedKeyDoesNotExist
        check_item(part["Key"])
        _check_keys(part["Key"], table)
    index = part.get("IndexName")
    if part.get("ConsistentRead") and index in {one.name for one in table.global_indexes}:
        raise MockValidationException(
            "Consistent reads are not supported on global secondary indexes"
        )
    if part.get("Limit", 1) < 1:
        raise MockValidationException(
            f"1 validation error detected: Value '{part['Limit']}' at 'limit' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1"
        )


def _check_keys(attributes: Item, table: Table) -> None:
    for name, wanted, limit, too_long in (
        (table.hash_key_attr, table.hash_key_type, MAX_HASH_BYTES, HashKeyTooLong),
        (table.range_key_attr, table.range_key_type, MAX_RANGE_BYTES, RangeKeyTooLong),
    ):
        if name is None:
            continue
        if name not in attributes:
            raise MockValidationException(
                f"One or more parameter values were invalid: Missing the key {name} in the item"
            )
        [(kind, content)] = attributes[name].items()
        if kind != wanted:
            raise MockValidationException(
                f"One or more parameter values were invalid: Type mismatch for key {name} "
                f"expected: {wanted} actual: {kind}"
            )
        if kind in {"S", "B"} and not content:
            raise KeyIsEmptyStringException(name)
        if value_size(attributes[name]) > limit:
            raise too_long


def _check_count(entries: list[Any]) -> None:
    if len(entries) > MAX_TRANSACTION_ACTIONS:
        raise TooManyTransactionsException
    if not entries:
        raise MockValidationException(
            "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy "
            "constraint: Member must have length greater than or equal to 1"
        )


def _check_transaction(body: Request, tables: Tables) -> None:
    keys = touched_keys("TransactWriteItems", body, tables)
    if len(set(keys)) < len(keys):
        raise MultipleTransactionsException
    total = sum(
        item_size(part.get("Item", part.get("Key", {})))
        for part in parts("TransactWriteItems", body)
    )
    check_transaction_size(total)


def check_transaction_size(size: int) -> None:
    """Refuse a transaction whose items take more than 4 MB together."""
    if size > MAX_TRANSACTION_BYTES:
        raise MockValidationException(
            "The aggregate size of the items in the transaction cannot exceed 4 MB"
        )
