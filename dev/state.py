"""What survives a restart: items, stream records, messages, objects and secrets, in a folder."""

from __future__ import annotations

import json
import secrets
import sqlite3
import string
import threading
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS items (tab TEXT, key TEXT, item TEXT, PRIMARY KEY (tab, key));
CREATE TABLE IF NOT EXISTS objects (bucket TEXT, key TEXT, path TEXT, facts TEXT,
                                    PRIMARY KEY (bucket, key));
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS changes (mapping TEXT, number TEXT, part TEXT, record TEXT,
                                    PRIMARY KEY (mapping, number));
CREATE TABLE IF NOT EXISTS messages (queue TEXT, id TEXT, facts TEXT, PRIMARY KEY (queue, id));
CREATE TABLE IF NOT EXISTS sent_ids (queue TEXT, id TEXT, sent TEXT, PRIMARY KEY (queue, id));
"""
# A row that is replaced would stand behind all others.
_PUT_MESSAGE = (
    "INSERT INTO messages VALUES (?, ?, ?) "
    "ON CONFLICT (queue, id) DO UPDATE SET facts = excluded.facts"
)

type _Write = tuple[str, tuple[str, ...]]


class StateError(Exception):
    """A state folder that this version cannot read."""


@dataclass(frozen=True)
class StoredObject:
    """An S3 object as it lies in the folder; `bucket` is the template's name for it."""

    bucket: str
    key: str
    path: Path
    facts: dict[str, Any]


class State:
    """
    The folder and its database.

    Writes are queued and reach the database in order, many at once; whoever answers for one calls
    `flush` first, so that what was answered survives a kill. Files are written at once, so a record
    never names a file that is not there. Tables and buckets go by their logical ids, for their
    physical names are new with each start.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir(parents=True, exist_ok=True)
        self._db = _open(folder)
        # Held while writes that belong together are queued: they reach the database at once.
        self.together = threading.Lock()
        self._queue: SimpleQueue[_Write | threading.Event | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write_behind, daemon=True)
        self._writer.start()

    # reading, at the start

    def items(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for table, item in self._read("SELECT tab, item FROM items"):
            yield table, json.loads(item)

    def changes(self, mapping: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """List what a mapping has not worked off: number, partition and record, in order."""
        query = "SELECT number, part, record FROM changes WHERE mapping = ? ORDER BY number"
        for number, partition, record in self._read(query, mapping):
            yield int(number), partition, json.loads(record)

    def messages(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """List messages by queue and id, in the order in which they were sent."""
        for queue, name, facts in self._read(
            "SELECT queue, id, facts FROM messages ORDER BY rowid"
        ):
            yield queue, name, json.loads(facts)

    def sent_ids(self) -> Iterator[tuple[str, str, list[Any]]]:
        """List the ids for deduplication of FIFO queues, by queue."""
        for queue, name, sent in self._read("SELECT queue, id, sent FROM sent_ids"):
            yield queue, name, json.loads(sent)

    def objects(self) -> Iterator[StoredObject]:
        rows = self._read("SELECT bucket, key, path, facts FROM objects")
        for bucket, key, path, facts in rows:
            yield StoredObject(bucket, key, self.folder / path, json.loads(facts))

    def secret(self, name: str, length: int) -> str:
        """Return a generated secret's previous value, or its first."""
        known = self._read("SELECT value FROM secrets WHERE name = ?", name)
        if known:
            return str(known[0][0])
        alphabet = string.ascii_letters + string.digits
        value = "".join(secrets.choice(alphabet) for _ in range(length))
        self._queue.put(("INSERT INTO secrets VALUES (?, ?)", (name, value)))
        self.flush()
        return value

    # writing

    def put_item(self, table: str, key: str, item: dict[str, Any]) -> None:
        row = (table, key, _json(item))
        self._queue.put(("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", row))

    def delete_item(self, table: str, key: str) -> None:
        self._queue.put(("DELETE FROM items WHERE tab = ? AND key = ?", (table, key)))

    def put_change(self, mapping: str, number: int, partition: str, record: Any) -> None:
        row = (mapping, str(number), partition, _json(record))
        self._queue.put(("INSERT OR REPLACE INTO changes VALUES (?, ?, ?, ?)", row))

    def delete_change(self, mapping: str, number: int) -> None:
        row = (mapping, str(number))
        self._queue.put(("DELETE FROM changes WHERE mapping = ? AND number = ?", row))

    def put_message(self, queue: str, name: str, facts: Any) -> None:
        self._queue.put((_PUT_MESSAGE, (queue, name, _json(facts))))

    def delete_message(self, queue: str, name: str) -> None:
        self._queue.put(("DELETE FROM messages WHERE queue = ? AND id = ?", (queue, name)))

    def put_sent_id(self, queue: str, name: str, sent: Any) -> None:
        row = (queue, name, _json(sent))
        self._queue.put(("INSERT OR REPLACE INTO sent_ids VALUES (?, ?, ?)", row))

    def delete_sent_id(self, queue: str, name: str) -> None:
        self._queue.put(("DELETE FROM sent_ids WHERE queue = ? AND id = ?", (queue, name)))

    def put_object(self, bucket: str, key: str, body: bytes, facts: dict[str, Any]) -> None:
        path = self.files / bucket / _file_name(key)
        try:
            _write(path, body)
        except OSError:
            # A key that is also another key's folder, or too long for a file's name.
            path = self.files / bucket / f"%{secrets.token_hex(16)}"
            _write(path, body)
        row = (bucket, key, str(path.relative_to(self.folder)), json.dumps(facts))
        self._queue.put(("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", row))

    def delete_object(self, bucket: str, key: str) -> None:
        with suppress(OSError):
            (self.files / bucket / _file_name(key)).unlink()
        self._queue.put(("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key)))

    def flush(self) -> None:
        """Wait until everything queued is in the database."""
        done = threading.Event()
        self._queue.put(done)
        done.wait(5)

    def close(self) -> None:
        self._queue.put(None)
        self._writer.join(5)
        self._db.close()

    def _read(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.DatabaseError as exc:
            raise _unreadable(self.folder) from exc

    def _write_behind(self) -> None:
        waiting: list[_Write | threading.Event | None] = []
        while None not in waiting:
            waiting = [self._queue.get()]
            with self.together:
                waiting += [self._queue.get() for _ in range(self._queue.qsize())]
            with self._db:
                for entry in waiting:
                    if isinstance(entry, tuple):
                        self._db.execute(*entry)
            for entry in waiting:
                if isinstance(entry, threading.Event):
                    entry.set()


def _open(folder: Path) -> sqlite3.Connection:
    path = folder / "state.sqlite"
    known = (FORMAT,) if path.exists() else (0,)
    db = sqlite3.connect(path, check_same_thread=False)
    try:
        # What the system holds survives our end; only a power cut could lose it.
        db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;")
        if db.execute("PRAGMA user_version").fetchone() != known:
            raise _unreadable(folder)
        db.executescript(f"{_SCHEMA} PRAGMA user_version={FORMAT};")
    except (sqlite3.DatabaseError, StateError) as exc:
        db.close()
        raise _unreadable(folder) from exc
    return db


def _json(value: Any) -> str:
    # Binary values come from clients in base64, and moto keeps some of them as bytes.
    return json.dumps(value, separators=(",", ":"), default=bytes.decode)


def _unreadable(folder: Path) -> StateError:
    return StateError(
        f"the state in {folder} was not written by this version; delete that folder to start anew"
    )


def _file_name(key: str) -> str:
    """Turn an object's key into a path below its bucket's folder, readable and harmless."""
    parts = (quote(part, safe=" ()+,=@~!'") for part in key.split("/"))
    return "/".join("%2E" * len(p) if p in {".", ".."} else p or "%" for p in parts)


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"%{secrets.token_hex(8)}")
    draft.write_bytes(body)
    draft.replace(path)


def rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
