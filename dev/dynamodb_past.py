"""
What a table held a moment ago, for reads that may be late.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html:
reads of global indexes are always eventually consistent, others unless they ask for
`ConsistentRead`.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from moto.dynamodb.models.table import Table

    from dev.dials import Dials
    from dev.records import Key

_READS = frozenset(("GetItem", "BatchGetItem", "Query", "Scan"))


@dataclass(frozen=True)
class _Change:
    at: float
    key: Key
    before: Any


class Past:
    """
    The changes that late reads do not see yet.

    For the time of a read it puts the items back that were changed too recently; the caller holds
    the lock of moto_server.py, so nobody else sees them.
    """

    def __init__(self, dials: Dials, clock: Callable[[], float]) -> None:
        self._dials = dials
        self._clock = clock
        self._changes: deque[_Change] = deque()

    def note(self, key: Key, before: Any) -> None:
        """Remember what an item was before a write; None if there was none."""
        longest = max(self._dials.index_lag_seconds, self._dials.read_lag_seconds)
        now = self._clock()
        while self._changes and self._changes[0].at <= now - longest:
            self._changes.popleft()
        if longest:
            self._changes.append(_Change(now, key, before))

    @contextmanager
    def seen_by(
        self, action: str, body: dict[str, Any], tables: dict[str, Table]
    ) -> Iterator[None]:
        """Show the tables to one request as it would find them."""
        lag = self._lag(action, body)
        hidden: dict[Key, Any] = {}
        if lag:
            for change in reversed(self._changes):
                if change.at > self._clock() - lag and change.key.table in tables:
                    hidden[change.key] = change.before
        now = {key: stored(tables, key) for key in hidden}
        for key, before in hidden.items():
            put_back(tables, key, before)
        try:
            yield
        finally:
            for key, item in now.items():
                put_back(tables, key, item)

    def _lag(self, action: str, body: dict[str, Any]) -> float:
        if action not in _READS:
            return 0.0
        if body.get("IndexName"):
            return self._dials.index_lag_seconds
        requests = body["RequestItems"].values() if action == "BatchGetItem" else [body]
        if all(request.get("ConsistentRead") for request in requests):
            return 0.0
        return self._dials.read_lag_seconds


def stored(tables: dict[str, Table], key: Key) -> Any:
    """Return moto's own item at a key, or None."""
    return tables[key.table].get_item(key.hash, key.range)


def put_back(tables: dict[str, Table], key: Key, item: Any) -> None:
    """Let a place hold an item again, or nothing."""
    rows: Any = tables[key.table].items
    if key.range is None:
        name = key.hash
    else:
        rows, name = rows[key.hash], key.range
    if item is None:
        rows.pop(name, None)
    else:
        rows[name] = item
