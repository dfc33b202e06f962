"""Tasks: what was asked, and how far it has come."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, fields
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from dev.kie.dials import Dials, read_dials

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from dev.kie.database import Database
    from dev.kie.models import Kind

# The first part of a task's time that it spends in a queue.
_WAITING_SHARE = 0.3


class Stage(Enum):
    """How far a task has come; each family has its own words for these."""

    WAITING = "waiting"
    GENERATING = "generating"
    SUCCEEDED = "success"
    FAILED = "fail"


@dataclass(frozen=True)
class Task:
    """
    One accepted creation. Times are unix seconds.

    Attributes:
        results: How many files it makes.
        credits: What was taken for it; given back if it fails.
        finish_at: When it is due to end; `completed_at` is when it did, or None.
        polls: How often its state was asked for.
        links: Generation of its result links; rises when `[file gone once]` asks for new ones.

    """

    task_id: str
    family: str
    model: str
    kind: Kind
    input_json: str
    results: int
    callback_url: str
    credits: float
    created_at: float
    finish_at: float
    completed_at: float | None = None
    polls: int = 0
    links: int = 1

    @cached_property
    def input(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.input_json))

    @cached_property
    def words(self) -> str:
        return prompt_of(self.input)

    @cached_property
    def dials(self) -> Dials:
        return read_dials(self.words)

    def stage(self, now: float) -> Stage:
        """Say how far it has come."""
        if self.completed_at is not None:
            return Stage.FAILED if self.dials.failure else Stage.SUCCEEDED
        waiting_until = self.created_at + (self.finish_at - self.created_at) * _WAITING_SHARE
        return Stage.WAITING if now < waiting_until else Stage.GENERATING

    def stage_told(self, now: float) -> Stage:
        """Say what a poll is told, which `[poll lag]` keeps behind."""
        dials = self.dials
        if dials.poll_lag_seconds and self.completed_at is not None:
            webhook_at = self.completed_at + dials.webhook_late_seconds
            if now < webhook_at + dials.poll_lag_seconds:
                return Stage.WAITING
        return self.stage(now)


def prompt_of(given: dict[str, Any]) -> str:
    """Find an input's words: the prompt, the text, or whatever is said in a dialogue."""
    words = given.get("prompt") or given.get("text") or given.get("content")
    return words if isinstance(words, str) else " ".join(_texts(given))


class Tasks:
    """The table of tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, task: Task) -> None:
        marks = ", ".join("?" * len(fields(Task)))
        values = astuple(task)
        self._database.write(f"INSERT INTO tasks VALUES ({marks})", *values)  # noqa: S608

    def get(self, task_id: str) -> Task | None:
        rows = self._database.rows("SELECT * FROM tasks WHERE task_id = ?", task_id)
        return _task(rows[0]) if rows else None

    def all(self) -> list[Task]:
        """List them, oldest first."""
        return [_task(row) for row in self._database.rows("SELECT * FROM tasks ORDER BY rowid")]

    def unfinished(self) -> list[Task]:
        rows = self._database.rows("SELECT * FROM tasks WHERE completed_at IS NULL")
        return [_task(row) for row in rows]

    def complete(self, task_id: str, at: float) -> Task | None:
        """End a task; None when it has ended before, or is forgotten."""
        statement = "UPDATE tasks SET completed_at = ? WHERE task_id = ? AND completed_at IS NULL"
        with self._database.transaction():
            has_ended = self._database.write(statement, at, task_id).rowcount == 1
            return self.get(task_id) if has_ended else None

    def poll(self, task_id: str) -> Task | None:
        """Count a question about a task and read it."""
        with self._database.transaction():
            statement = "UPDATE tasks SET polls = polls + 1 WHERE task_id = ?"
            self._database.write(statement, task_id)
            return self.get(task_id)

    def renew_links(self, task_id: str, generation: int = 2) -> None:
        """Give a task new links."""
        statement = "UPDATE tasks SET links = ? WHERE task_id = ? AND links < ?"
        self._database.write(statement, generation, task_id, generation)


def _task(row: sqlite3.Row) -> Task:
    return Task(**dict(row))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
