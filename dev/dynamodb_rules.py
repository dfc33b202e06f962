"""
DynamoDB's own rules around moto's: each call is checked before and after moto has done it.

`install` wraps the handlers of moto once per process, so the rules hold over HTTP as well as under
`mock_aws`; `govern` says by which dials and which clock.
"""

from __future__ import annotations

import copy
import functools
import time
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.dynamodb import responses
from moto.dynamodb.exceptions import (
    ERROR_TYPE_PREFIX,
    ItemSizeToUpdateTooLarge,
    MockValidationException,
    TransactionCanceledException,
)
from moto.dynamodb.models import dynamo_type
from moto.dynamodb.models import table as moto_table
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.utilities import dynamo_to_dict
from moto.dynamodb.responses import DynamoHandler

from dev.changes import Changes
from dev.dials import Dials
from dev.dynamodb_conflicts import InFlight, Tokens, refuse
from dev.dynamodb_past import Past, put_back, stored
from dev.dynamodb_requests import check_request, check_transaction_size, index_problem
from dev.dynamodb_values import MAX_ITEM_BYTES, check_item, item_size
from dev.records import MUTATING, Key, touched_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from moto.dynamodb.models.table import Table

_METHODS = {
    "PutItem": "put_item",
    "UpdateItem": "update_item",
    "DeleteItem": "delete_item",
    "GetItem": "get_item",
    "BatchGetItem": "batch_get_item",
    "BatchWriteItem": "batch_write_item",
    "Query": "query",
    "Scan": "scan",
    "TransactGetItems": "transact_get_items",
    "TransactWriteItems": "transact_write_items",
}
PAGE_BYTES = 1024 * 1024
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
_THROTTLED = {
    "ThrottlingException": (
        "ThrottlingError",
        (
            "Throughput exceeds the current capacity of your table or index. "
            "DynamoDB is automatically scaling your table or index so please try again shortly."
        ),
    ),
    "ProvisionedThroughputExceededException": (
        "ProvisionedThroughputExceeded",
        (
            "The level of configured provisioned throughput for the table was exceeded. "
            "Consider increasing your provisioning level with the UpdateTable API."
        ),
    ),
    "RequestLimitExceeded": (
        None,
        (
            "Throughput exceeds the current throughput limit for your account. "
            "Please contact AWS Support to request a quota increase."
        ),
    ),
}

# As moto has them; kept here so that installing twice does not wrap what is wrapped.
_moto_methods = {action: getattr(DynamoHandler, name) for action, name in _METHODS.items()}


class Law:
    """The state of one cloud's rules: dials, clock, and what the last minutes have seen."""

    def __init__(self, dials: Dials, clock: Callable[[], float]) -> None:
        self.dials = dials
        self.past = Past(dials, clock)
        self.tokens = Tokens(clock)
        self.in_flight = InFlight()
        self.changes = Changes(clock)


_current = Law(Dials(), time.time)


def govern(dials: Dials, clock: Callable[[], float] = time.time) -> Law:
    """Begin a new law; there is one at a time, as moto has one state."""
    global _current  # noqa: PLW0603 - moto's handlers are made by moto
    _current = Law(dials, clock)
    return _current


def install() -> None:
    """Put the rules around moto's handlers; doing so twice changes nothing."""
    for action, name in _METHODS.items():
        setattr(DynamoHandler, name, _ruled(action, _moto_methods[action]))
    # moto takes 25; https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
    vars(responses)["TRANSACTION_MAX_ITEMS"] = 100
    # A page ends by the sizes that DynamoDB counts, Query.Pagination.html.
    vars(moto_table)["RESULT_SIZE_LIMIT"] = PAGE_BYTES
    setattr(Item, "size", _size)  # noqa: B010
    # moto's own limit of an item lies below DynamoDB's, and is counted anew for each attribute.
    setattr(dynamo_type.LimitedSizeDict, "__setitem__", dict.__setitem__)  # noqa: B010


def _size(item: Item) -> int:
    return item_size(_attributes(item))


def _attributes(item: Item) -> dict[str, Any]:
    found: dict[str, Any] = dynamo_to_dict(item.attrs)
    return found


def _ruled(action: str, method: Callable[[DynamoHandler], ActionResult]) -> Any:
    @functools.wraps(method)
    def ruled(handler: DynamoHandler) -> ActionResult:
        tables, law = handler.dynamodb_backend.tables, _current
        check_request(action, handler.body, tables)
        _throttle(action, handler.body, law)
        if action in MUTATING:
            return _write(action, method, handler, law)
        if action == "TransactGetItems":
            refuse(action, read_keys(handler.body, tables), law.in_flight.clashing())
        with law.past.seen_by(action, handler.body, tables):
            return method(handler)

    return ruled


def read_keys(body: dict[str, Any], tables: dict[str, Table]) -> list[Key]:
    """List the items that a TransactGetItems asks for, in its order."""
    return touched_keys("TransactWriteItems", body, tables)


def _throttle(action: str, body: dict[str, Any], law: Law) -> None:
    if not law.dials.takes_throttle():
        return
    error = law.dials.throttle_error
    reason, words = _THROTTLED[error]
    if reason is not None and action.startswith("Transact"):
        none: Any = (None, None, None)
        others = [none] * (len(body["TransactItems"]) - 1)
        throttled: Any = (reason, words, None)
        raise TransactionCanceledException([throttled, *others])
    raise JsonRESTError(ERROR_TYPE_PREFIX + error, words)


def _write(
    action: str, method: Callable[[DynamoHandler], ActionResult], handler: DynamoHandler, law: Law
) -> ActionResult:
    tables: dict[str, Table] = handler.dynamodb_backend.tables
    keys = touched_keys(action, handler.body, tables)
    law.in_flight.refuse_repetition()
    if action == "TransactWriteItems" and law.tokens.has_done(handler.body):
        return ActionResult({"ConsumedCapacity": [], "ItemCollectionMetrics": {}})
    clashing = law.in_flight.clashing()
    if keys and action != "BatchWriteItem" and law.dials.takes_conflict():
        clashing |= {keys[0]}
    refuse(action, keys, clashing)
    before = [(key, copy.deepcopy(stored(tables, key))) for key in keys]
    shards: dict[str, Any] = {key.table: tables[key.table].stream_shard for key in keys}
    streams = [(shard, len(shard.items)) for shard in shards.values() if shard is not None]
    answer = method(handler)
    try:
        _check_written(action, handler.body, keys, tables)
    except JsonRESTError:
        for key, item in before:
            put_back(tables, key, item)
        for shard, length in streams:
            del shard.items[length:]
        raise
    for key, item in before:
        law.past.note(key, item)
        law.changes.note(tables[key.table], item, stored(tables, key))
    if action == "TransactWriteItems":
        law.tokens.keep(handler.body)
    return answer


def _check_written(
    action: str, body: dict[str, Any], keys: list[Key], tables: dict[str, Table]
) -> None:
    """Look at what a write has left, which for updates nobody knows before."""
    problems = [_problem(stored(tables, key), tables[key.table]) for key in keys]
    if action == "TransactWriteItems":
        operations = [next(iter(entry)) for entry in body["TransactItems"]]
        found = [stored(tables, key) for key in keys]
        check_transaction_size(sum(_size(item) for item in found if item is not None))
        if any(p for p, op in zip(problems, operations, strict=False) if op == "Update"):
            reasons: Any = [
                ("ValidationError", str(p.message), None) if p and op == "Update" else (None,) * 3
                for p, op in zip(problems, operations, strict=False)
            ]
            raise TransactionCanceledException(reasons)
    elif action == "UpdateItem" and problems[:1] != [None] and problems:
        raise problems[0]  # type: ignore[misc]  # the line above has looked


def _problem(item: Item | None, table: Table) -> MockValidationException | None:
    if item is None:
        return None
    attributes = _attributes(item)
    if item_size(attributes) > MAX_ITEM_BYTES:
        return ItemSizeToUpdateTooLarge()
    try:
        check_item(attributes)
    except MockValidationException as problem:
        return problem
    words = index_problem(attributes, table, updated=True)
    return None if words is None else MockValidationException(words)
