"""
Removes the items whose time to live is over.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html: within a few days, so
nobody may rely on it; here within a minute. Times that lie more than five years back do not count.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from dev.records import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dev.moto_server import MotoServer

_SECONDS = 60.0
_OLDEST_SECONDS = 5 * 365 * 86400


class Expiry:
    """
    The time to live of a cloud's tables.

    Args:
        attributes: The attribute that holds an item's last moment, by table.

    """

    def __init__(
        self, server: MotoServer, attributes: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        self._server = server
        self._attributes = attributes
        self._clock = clock
        self._stopped = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._tick, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def remove_expired(self) -> int:
        """Remove what is over now; returns how many items that were."""
        server, law, tables = self._server, self._server.gate.law, self._server.gate.tables()
        with server.lock("DynamoDB"):
            keys = [key for name in self._attributes for key in self._over(tables[name])]
            for key in keys:
                before = tables[key.table].delete_item(key.hash, key.range)
                law.past.note(key, before)
                law.changes.note(tables[key.table], before, None, expired=True)
            fresh = law.changes.take()
            if server.recorder is not None:
                server.recorder.items_changed(keys, fresh)
        server.settle(fresh, kept=True)
        return len(keys)

    def _over(self, table: Any) -> Iterator[Key]:
        now, attribute = self._clock(), self._attributes[table.name]
        for item in list(table.all_items()):
            over = item.to_json()["Attributes"].get(attribute, {}).get("N")
            if over is not None and now - _OLDEST_SECONDS < float(over) < now:
                yield Key(table.name, item.hash_key, item.range_key)

    def _tick(self) -> None:
        while not self._stopped.wait(_SECONDS):
            self.remove_expired()
