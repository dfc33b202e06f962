"""What is told about a task: to somebody who asks, or in a webhook."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator import timestamps
from simulator.tasks import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.dials import Dials, Failure
    from simulator.tasks import Task
    from simulator.timestamps import Style

FOREIGN_BASE_URL = "https://files.elsewhere.invalid"
_ENDS = (Stage.SUCCEEDED, Stage.FAILED)
_FLAGS = {Stage.WAITING: 0, Stage.GENERATING: 0, Stage.SUCCEEDED: 1}


@dataclass(frozen=True)
class Snapshot:
    """
    A task as it is told of at one moment.

    Attributes:
        stage: What is told, which dials may keep behind the truth.
        base_url: What links start with.
        event: In a webhook, the step or the end that it is about; "" in an answer.
        callback_failed: Whether a webhook was given up.
        balance: The account's credits.

    """

    task: Task
    stage: Stage
    now: float
    base_url: str
    event: str = ""
    callback_failed: bool = False
    balance: float = 0.0

    @property
    def dials(self) -> Dials:
        return self.task.dials

    @property
    def has_succeeded(self) -> bool:
        return self.stage is Stage.SUCCEEDED

    @property
    def failure(self) -> Failure | None:
        """Why it failed, if it is told that it did."""
        return self.dials.failure if self.stage is Stage.FAILED else None

    @property
    def is_stuck(self) -> bool:
        """Whether all is done but for the flag, which says that it is not."""
        has_ended = self.task.completed_at is not None
        return has_ended and self.dials.on("flag stuck") and self.stage not in _ENDS

    @property
    def completed_at(self) -> float | None:
        return self.task.completed_at if self.stage in _ENDS or self.is_stuck else None

    @property
    def is_empty(self) -> bool:
        """Whether a success has no result yet."""
        since = self.now - (self.task.completed_at or self.now)
        return self.dials.has("result empty") and since < self.dials.number("result empty")

    @property
    def is_silent(self) -> bool:
        """Whether the last track has no audio yet."""
        since = self.now - (self.task.completed_at or self.now)
        return self.dials.has("audio late") and since < self.dials.number("audio late")

    @property
    def has_result(self) -> bool:
        return self.has_succeeded and not self.is_empty

    @property
    def flag(self) -> int:
        """`successFlag`: 0 in work, 1 done, 2 failed when handed on, 3 failed later."""
        if self.failure:
            return 2 if self.failure.stage == "create" else 3
        return _FLAGS[self.stage]

    @property
    def progress(self) -> float:
        if self.has_succeeded or self.is_stuck:
            return 1.0
        if self.failure or self.task.never_ends or self.stage is Stage.WAITING:
            return 0.0
        seconds = self.task.finish_at - self.task.created_at
        return min((self.now - self.task.created_at) / seconds, 0.99) if seconds else 0.99

    @property
    def is_callback_exception(self) -> bool:
        """Whether the end is told as a failure of the receiver of the webhook."""
        dials = self.dials
        asked = dials.on("callback exception") or dials.on("callback exception empty")
        return self.has_succeeded and (asked or self.callback_failed)

    def state(self, words: Mapping[Stage, str]) -> str:
        """Return the state in a family's words, or in those of a dial."""
        if self.stage is Stage.WAITING and self.dials.on("queuing"):
            return "queuing"
        return self.state_of(words[self.stage])

    def state_of(self, usual: str) -> str:
        """Return the state in a word, or in that of a dial."""
        return (self.stage in _ENDS and self.dials.word("state")) or usual

    def time(self, at: float | None, usual: Style) -> int | str | None:
        """Write a time as the family does, or as a dial wants it."""
        return timestamps.written(at, self.dials.word("times") or usual)

    def created(self, usual: Style) -> int | str | None:
        return self.time(self.task.created_at, usual)

    def completed(self, usual: Style) -> int | str | None:
        return self.time(self.completed_at, usual)

    def link(self, index: int, variant: str = "") -> str:
        """Return one of the task's files, as of now."""
        elsewhere = self.dials.on("result hosts") or (self.event and self.dials.on("webhook hosts"))
        start = FOREIGN_BASE_URL if elsewhere else self.base_url
        name = f"{index}-{self.task.links}{variant}.{self.task.endings[index]}"
        return f"{start}/files/{self.task.task_id}/{name}"

    def links(self, *endings: str) -> list[str]:
        """Return all the task's files, or those with one of the endings."""
        numbered = enumerate(self.task.endings)
        return [self.link(n) for n, ending in numbered if not endings or ending in endings]

    def request(self, *, with_url: bool = False) -> dict[str, Any]:
        """Repeat what was asked for."""
        url = {"callBackUrl": self.task.callback_url} if with_url else {}
        return {**self.task.input, **url}

    def request_text(self, *, with_url: bool = False) -> str:
        return json_text(self.request(with_url=with_url))


def json_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
