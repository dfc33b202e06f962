"""Credits and creations: what is accepted, what is refused, and what it costs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dev.kie.dials import read_dials
from dev.kie.tasks import Task, Tasks, prompt_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dev.kie.database import Database
    from dev.kie.dials import Refusal
    from dev.kie.models import Kind
    from dev.kie.settings import Settings

_WINDOW_SECONDS = 10.0
_REFUSAL_WORDS = {
    402: "Credits insufficient",
    429: "Your call frequency is too high. Please try again later.",
    430: "Your call frequency is too high",
    433: "Request limit: the sub-key usage exceeded the limit",
    455: "Service is under maintenance",
}


class RefusedError(Exception):
    """Kie.ai says no; nothing was created and nothing is charged."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Order:
    """A creation whose input a family has found in order."""

    family: str
    model: str
    kind: Kind
    input: dict[str, Any]
    results: int
    credits: float


@dataclass(frozen=True)
class Request:
    """The body of a call that wants to create a task, as far as all families agree on it."""

    body: Mapping[str, Any]

    @property
    def model(self) -> str:
        return str(self.body.get("model") or "")

    @property
    def callback_url(self) -> str:
        return str(self.body.get("callBackUrl") or "")

    @property
    def name(self) -> str:
        """Tell attempts at the same creation from others: by callBackUrl, else by the body."""
        text = self.callback_url or json.dumps(self.body, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class Account:
    """The one account of the simulator."""

    def __init__(self, settings: Settings, database: Database, tasks: Tasks) -> None:
        self._settings = settings
        self._database = database
        self._tasks = tasks

    def balance(self) -> float:
        rows = self._database.rows("SELECT credits FROM account")
        return float(rows[0]["credits"]) if rows else self._settings.credits

    def give_back(self, held: float) -> None:
        self._set_balance(self.balance() + held)

    def create(self, request: Request, check: Callable[[], Order], *, now: float) -> Task:
        """
        Accept a creation, or write down why not.

        Raises:
            RefusedError: The input, a limit, the balance or a dial forbids it.

        """
        with self._database.transaction():
            try:
                task = self._accepted(request, check(), now)
            except RefusedError as error:
                refused = error
            else:
                self._note(request, now, task_id=task.task_id)
                return task
            self.note_refusal(request, refused, now=now)
        raise refused

    def note_refusal(self, request: Request, refused: RefusedError, *, now: float) -> None:
        self._note(request, now, refused.code, refused.message)

    def creations(self) -> list[dict[str, Any]]:
        """List every call that wanted a task, oldest first."""
        return [dict(row) for row in self._database.rows("SELECT * FROM creations ORDER BY number")]

    def _accepted(self, request: Request, order: Order, now: float) -> Task:
        dials = read_dials(prompt_of(order.input))
        self._obey_dial(request, dials.create_refusal)
        self._obey_limit(now)
        if order.credits > self.balance():
            raise RefusedError(402, _REFUSAL_WORDS[402])
        seconds = self._settings.seconds if dials.slow_seconds is None else dials.slow_seconds
        task = Task(
            task_id=uuid4().hex,
            family=order.family,
            model=order.model,
            kind=order.kind,
            input_json=json.dumps(order.input, ensure_ascii=False, separators=(",", ":")),
            results=order.results,
            callback_url=request.callback_url,
            credits=order.credits,
            created_at=now,
            finish_at=now if dials.webhook_early or dials.immediate else now + seconds,
        )
        self._set_balance(self.balance() - order.credits)
        self._tasks.add(task)
        return task

    def _obey_dial(self, request: Request, refusal: Refusal | None) -> None:
        if not refusal:
            return
        query = "SELECT count(*) AS n FROM creations WHERE request = ? AND code = ?"
        refused = int(self._database.rows(query, request.name, refusal.code)[0]["n"])
        if refusal.times is None or refused < refusal.times:
            raise RefusedError(refusal.code, _REFUSAL_WORDS[refusal.code])

    def _obey_limit(self, now: float) -> None:
        query = "SELECT count(*) AS n FROM creations WHERE at > ? AND task_id IS NOT NULL"
        recent = int(self._database.rows(query, now - _WINDOW_SECONDS)[0]["n"])
        if self._settings.create_limit and recent >= self._settings.create_limit:
            raise RefusedError(429, _REFUSAL_WORDS[429])

    def _set_balance(self, value: float) -> None:
        with self._database.transaction():
            self._database.write("DELETE FROM account")
            self._database.write("INSERT INTO account VALUES (?)", round(value, 4))

    def _note(
        self,
        request: Request,
        now: float,
        code: int = 200,
        reason: str = "",
        task_id: str | None = None,
    ) -> None:
        self._database.write(
            "INSERT INTO creations VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
            *(now, request.model, request.callback_url, request.name, code, reason, task_id),
        )
