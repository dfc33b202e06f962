"""The simulator's memory: one SQLite file that outlives a kill."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Rises when the tables change; a file of another version is begun anew.
_VERSION = 3
_TABLES = """
CREATE TABLE IF NOT EXISTS tasks (
    task_id TEXT PRIMARY KEY, family TEXT NOT NULL, operation TEXT NOT NULL, model TEXT NOT NULL,
    input_json TEXT NOT NULL, inherited TEXT NOT NULL, files TEXT NOT NULL, plan TEXT NOT NULL,
    callback_url TEXT NOT NULL, credits REAL NOT NULL, created_at REAL NOT NULL,
    finish_at REAL NOT NULL, completed_at REAL, polls INTEGER NOT NULL, links INTEGER NOT NULL,
    reads INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS creations (
    number INTEGER PRIMARY KEY, at REAL NOT NULL, model TEXT NOT NULL, callback_url TEXT NOT NULL,
    request TEXT NOT NULL, key TEXT NOT NULL, code INTEGER NOT NULL, reason TEXT NOT NULL,
    task_id TEXT
);
CREATE INDEX IF NOT EXISTS creations_by_time ON creations (at);
CREATE INDEX IF NOT EXISTS creations_by_request ON creations (request);
CREATE TABLE IF NOT EXISTS deliveries (
    -- Numbers are never used again, so a job planned before a reset finds nothing after it.
    number INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL, event TEXT NOT NULL,
    due_at REAL NOT NULL, retries INTEGER NOT NULL, is_open INTEGER NOT NULL,
    is_given_up INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_by_task ON deliveries (task_id);
CREATE TABLE IF NOT EXISTS attempts (
    number INTEGER PRIMARY KEY, task_id TEXT NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL,
    status INTEGER, error TEXT
);
CREATE INDEX IF NOT EXISTS attempts_by_task ON attempts (task_id);
CREATE TABLE IF NOT EXISTS account (credits REAL NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (path TEXT PRIMARY KEY, body BLOB NOT NULL, at REAL NOT NULL);
"""
_NAMES = ("tasks", "creations", "deliveries", "attempts", "account", "uploads")


class DatabaseClosedError(Exception):
    """The simulator is ending; whatever was going on is taken up at the next start."""


class Database:
    """
    One connection for all threads, one thread at a time.

    Args:
        folder: Where the file lies; None keeps it in memory.

    """

    def __init__(self, folder: Path | None) -> None:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            folder / "kie.sqlite3" if folder else ":memory:",
            check_same_thread=False,
            isolation_level=None,
        )
        self._connection.row_factory = sqlite3.Row
        # Commits reach the system, not the disk: enough for a kill -9, and much faster.
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        self._make_tables()
        self._lock = threading.RLock()
        self._is_open = True

    def _make_tables(self) -> None:
        [[version]] = self._connection.execute("PRAGMA user_version").fetchall()
        if version != _VERSION:
            drops = "; ".join(f"DROP TABLE IF EXISTS {name}" for name in _NAMES)
            self._connection.executescript(f"{drops}; PRAGMA user_version = {_VERSION};")
        self._connection.executescript(_TABLES)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all that follows, or none of it; may be nested."""
        with self._lock:
            if not self._is_open:
                raise DatabaseClosedError
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def write(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Change something."""
        with self.transaction():
            return self._connection.execute(statement, values)

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Read rows."""
        with self._lock:
            if not self._is_open:
                raise DatabaseClosedError
            return self._connection.execute(query, values).fetchall()

    def reset(self) -> None:
        """Forget everything."""
        with self.transaction():
            for name in _NAMES:
                self._connection.execute(f"DELETE FROM {name}")  # noqa: S608 - our own names

    def close(self) -> None:
        with self._lock:
            self._is_open = False
            self._connection.close()
