"""Uploaded files: kept for a day, replaced by others of the same name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.database import Database

ACCOUNT = 100001
PREFIX = "/kieai/"
_LIFETIME_SECONDS = 86_400.0


class Store:
    """The table of uploads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, path: str, body: bytes) -> None:
        statement = "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?)"
        self._database.write(statement, path, body, time.time())

    def get(self, path: str) -> bytes | None:
        query = "SELECT body FROM uploads WHERE path = ? AND at > ?"
        rows = self._database.rows(query, path, time.time() - _LIFETIME_SECONDS)
        return bytes(rows[0]["body"]) if rows else None
