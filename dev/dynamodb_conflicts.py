"""
Transactions that get into each other's way, and those that are sent twice.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
(idempotency, transaction conflict handling). The errors: API_TransactWriteItems.html,
API_PutItem.html and API_TransactGetItems.html of the API reference.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.exceptions import ERROR_TYPE_PREFIX, TransactionCanceledException

from dev.records import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TOKEN_SECONDS = 600.0
_WORDS = "Transaction is ongoing for the item"
_SINGLE_WRITES = frozenset(("PutItem", "UpdateItem", "DeleteItem"))
_TRANSACTIONS = frozenset(("TransactWriteItems", "TransactGetItems"))


class InFlight:
    """
    The writes that have arrived and are not answered yet.

    A request is compared with those that were there when it arrived, so it loses against one that
    is still being worked on, as on AWS; a loser is in nobody's way, or many who try again would
    keep each other from ever getting through. What a request found is kept for its thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._transactions: Counter[Key] = Counter()
        self._writes: Counter[Key] = Counter()
        self._tokens: Counter[str | None] = Counter()
        self._found = threading.local()

    @contextmanager
    def arrival(self, action: str, keys: list[Key], token: str | None = None) -> Iterator[None]:
        """
        Count a request as being worked on, from its arrival to its answer, unless it has lost.

        Args:
            action: Such as `PutItem`.
            keys: The items it is about.
            token: Its client request token.

        """
        mine = {"TransactWriteItems": self._transactions}.get(action, self._writes)
        with self._lock:
            self._found.repeated = token is not None and self._tokens[token] > 0
            clashing = self._found.clashing = self._clashing(action, keys)
            held = [] if clashing or action == "TransactGetItems" else keys
            self._tokens[token] += 1
            mine.update(held)
        try:
            yield
        finally:
            self._found.clashing = frozenset()
            self._found.repeated = False
            with self._lock:
                _leave(self._tokens, [token])
                _leave(mine, held)

    def clashing(self) -> frozenset[Key]:
        """Return the items of this thread's request that others were busy with."""
        found: frozenset[Key] = getattr(self._found, "clashing", frozenset())
        return found

    def refuse_repetition(self) -> None:
        """
        Refuse a transaction that was sent again before it was answered.

        Raises:
            JsonRESTError: A TransactionInProgressException, which SDKs wait out.

        """
        if getattr(self._found, "repeated", False):
            raise JsonRESTError(
                ERROR_TYPE_PREFIX + "TransactionInProgressException",
                "The transaction with the given request token is already in progress.",
            )

    def _clashing(self, action: str, keys: list[Key]) -> frozenset[Key]:
        if action in _SINGLE_WRITES or action == "TransactWriteItems":
            return frozenset(key for key in keys if self._transactions[key] > 0)
        if action == "TransactGetItems":
            busy = (self._transactions, self._writes)
            return frozenset(key for key in keys if any(one[key] > 0 for one in busy))
        return frozenset()


def _leave[T](counter: Counter[T], names: list[T]) -> None:
    """Count some one less, and forget those that nobody counts any more."""
    counter.subtract(names)
    for name in names:
        if counter[name] <= 0:
            del counter[name]


def refuse(action: str, keys: list[Key], clashing: frozenset[Key]) -> None:
    """
    Refuse a request because of items that a transaction is busy with.

    Raises:
        TransactionCanceledException: Of a transaction, with a reason for each action, in order.
        JsonRESTError: A TransactionConflictException, of any other write.

    """
    if not clashing:
        return
    if action in _TRANSACTIONS:
        busy: Any = ("TransactionConflict", _WORDS, None)
        raise TransactionCanceledException(
            [busy if key in clashing else (None, None, None) for key in keys]
        )
    if action in _SINGLE_WRITES:
        raise JsonRESTError(ERROR_TYPE_PREFIX + "TransactionConflictException", _WORDS)


class Tokens:
    """Which transactions were done under which client request tokens."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._done: dict[str, tuple[float, str]] = {}

    def has_done(self, body: Mapping[str, Any]) -> bool:
        """
        Return whether this very transaction was done in the last ten minutes.

        Raises:
            JsonRESTError: Another one was, under the same token.

        """
        at, parameters = self._done.get(body.get("ClientRequestToken", ""), (0.0, ""))
        if self._clock() - at > TOKEN_SECONDS:
            return False
        if parameters != _parameters(body):
            raise JsonRESTError(
                ERROR_TYPE_PREFIX + "IdempotentParameterMismatchException",
                "The provided token was used with other parameters",
            )
        return True

    def keep(self, body: Mapping[str, Any]) -> None:
        token, now = body.get("ClientRequestToken"), self._clock()
        if token:
            fresh = {t: done for t, done in self._done.items() if now - done[0] <= TOKEN_SECONDS}
            self._done = {**fresh, token: (now, _parameters(body))}


def _parameters(body: Mapping[str, Any]) -> str:
    others = {name: value for name, value in body.items() if name != "ClientRequestToken"}
    return json.dumps(others, sort_keys=True, default=repr)
