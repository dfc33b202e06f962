"""Tasks: what was asked, and how far it has come."""

from __future__ import annotations

import json
import math
from dataclasses import astuple, dataclass, fields
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from simulator.dials import Dials, read_dials
from simulator.inputs import texts_of
from simulator.steps import AT_ONCE, PLANS, Step

if TYPE_CHECKING:
    import sqlite3

    from simulator.database import Database

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
        task_id: Ours; upgrades of a task have its id, a dot and their own name.
        operation: Which of its family's calls created it.
        files: What it makes, as the endings of the files' names, separated by spaces.
        inherited: Dials that an earlier task has for this one.
        plan: Which steps it takes, as in `steps.py`.
        credits: What was charged for it; refunded if it fails.
        finish_at: When it is due to end; `completed_at` is when it did, or None.
        polls: How often its state was asked for.
        links: Generation of its result links; rises when `[file gone once]` asks for new ones.
        reads: How often its files were asked for.

    """

    task_id: str
    family: str
    operation: str
    model: str
    input_json: str
    inherited: str
    files: str
    plan: str
    callback_url: str
    credits: float
    created_at: float
    finish_at: float
    completed_at: float | None = None
    polls: int = 0
    links: int = 1
    reads: int = 0

    @cached_property
    def input(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.input_json))

    @cached_property
    def words(self) -> str:
        return prompt_of(self.input)

    @cached_property
    def dials(self) -> Dials:
        return read_dials(dialled(self.input, self.inherited), self.model)

    @property
    def wire_id(self) -> str:
        """The id that callers know: upgrades go by the id of the task that they upgrade."""
        return self.task_id.partition(".")[0]

    @property
    def endings(self) -> list[str]:
        return self.files.split()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that it takes; none when it takes no time."""
        if self.finish_at <= self.created_at:
            return ()
        failure = self.dials.failure
        if failure and failure.stage == "create":
            return ()
        return tuple(step for step in PLANS[self.plan] if step.is_safe or not failure)

    @property
    def is_music(self) -> bool:
        """Whether its files are tracks, each a sound and its picture."""
        return self.plan == "music" or "mp3 jpeg" in self.files

    def is_picture_of_track(self, index: int) -> bool:
        return self.is_music and self.endings[index] != "mp3"

    def step_at(self, step: Step) -> float:
        """Return when a step is due."""
        return self.created_at + (self.finish_at - self.created_at) * step.share

    def steps_done(self, now: float) -> list[Step]:
        return [step for step in self.steps if self.step_at(step) <= now]

    def has_file(self, index: int, now: float) -> bool:
        """Return whether a file can be read."""
        if self.stage(now) is Stage.SUCCEEDED:
            return index < len(self.endings)
        return index < max((step.files for step in self.steps_done(now)), default=0)

    def stage(self, now: float) -> Stage:
        """Return how far it has come."""
        if self.completed_at is not None:
            return Stage.FAILED if self.dials.failure else Stage.SUCCEEDED
        if self.dials.on("never generating"):
            return Stage.GENERATING
        waiting_until = self.created_at + (self.finish_at - self.created_at) * _WAITING_SHARE
        return Stage.WAITING if now < waiting_until else Stage.GENERATING

    def stage_told(self, now: float) -> Stage:
        """Return what a poll is told, which some dials keep behind the truth."""
        dials, stage = self.dials, self.stage(now)
        if self.completed_at is not None:
            webhook_at = self.completed_at + dials.number("webhook late")
            if dials.has("poll lag") and now < webhook_at + dials.number("poll lag"):
                return Stage.WAITING
            if self.keeps_quiet:
                return Stage.GENERATING
        return Stage.WAITING if stage is Stage.GENERATING and dials.on("waiting") else stage

    @property
    def keeps_quiet(self) -> bool:
        """Whether only the history page tells of its end."""
        return self.dials.on("flag stuck") or self.dials.on("history only")

    @property
    def ends_at_once(self) -> bool:
        """Whether it ends before its creation is answered."""
        dials = self.dials
        return self.plan == AT_ONCE or dials.on("webhook early") or dials.on("immediate")

    @property
    def never_ends(self) -> bool:
        return math.isinf(self.finish_at)


def prompt_of(given: dict[str, Any]) -> str:
    """Find an input's words: the prompt, the text, or whatever is said in a dialogue."""
    words = given.get("prompt") or given.get("text") or given.get("content")
    return words if isinstance(words, str) else " ".join(texts_of(given))


def dialled(given: dict[str, Any], inherited: str) -> str:
    """Gather the text that dials are read from."""
    return " ".join([*texts_of(given), inherited])


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
        return self._counted("polls", task_id)

    def read(self, task_id: str) -> Task | None:
        """Count a download of one of a task's files and read the task."""
        return self._counted("reads", task_id)

    def renew_links(self, task_id: str, generation: int = 2) -> None:
        """Renew a task's links to those of a generation, if it has older ones."""
        statement = "UPDATE tasks SET links = ? WHERE task_id = ? AND links < ?"
        self._database.write(statement, generation, task_id, generation)

    def _counted(self, column: str, task_id: str) -> Task | None:
        with self._database.transaction():
            statement = f"UPDATE tasks SET {column} = {column} + 1 WHERE task_id = ?"  # noqa: S608
            self._database.write(statement, task_id)
            return self.get(task_id)


def _task(row: sqlite3.Row) -> Task:
    return Task(**dict(row))
