"""Credits and creations: what is accepted, what is refused, and what it costs."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from simulator.dials import Dials, passed_on, read_dials
from simulator.refusals import RefusedError
from simulator.steps import AT_ONCE
from simulator.tasks import Task, Tasks, dialled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulator.database import Database
    from simulator.dials import Refusal
    from simulator.settings import Settings

_WINDOW_SECONDS = 10.0
_KEY_WINDOW_SECONDS = 3600.0


@dataclass(frozen=True)
class Order:
    """
    A creation whose input a family has found in order.

    Attributes:
        files: The endings of the files that it makes.
        plan: Which steps it takes, as in `steps.py`.
        parent: The id of an earlier task that it works on.
        id_style: How its id looks: `hex`, `veo` or `uuid`; or `.name` for an upgrade of its parent.

    """

    family: str
    operation: str
    model: str
    input: dict[str, Any]
    files: tuple[str, ...]
    credits: float
    plan: str = ""
    parent: str = ""
    id_style: str = "hex"


@dataclass(frozen=True)
class Request:
    """A call that wants to create a task, as far as all families agree on it."""

    body: Mapping[str, Any]
    key: str = ""

    @property
    def model(self) -> str:
        return str(self.body.get("model") or "")

    @property
    def callback_url(self) -> str:
        return str(self.body.get("callBackUrl") or "")

    @property
    def name(self) -> str:
        """Return what attempts at the same creation share: the callBackUrl, else the body."""
        return _digest(self.callback_url or json.dumps(self.body, sort_keys=True))


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
        self.set_balance(self.balance() + held)

    def set_balance(self, value: float) -> None:
        with self._database.transaction():
            self._database.write("DELETE FROM account")
            self._database.write("INSERT INTO account VALUES (?)", round(value, 4))

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
        inherited = self._inherited(order)
        dials = read_dials(dialled(order.input, inherited), order.model)
        self._obey_dial(request, dials.refusal)
        self._obey_limits(request, now)
        if order.credits > self.balance():
            raise RefusedError(402)
        task = Task(
            task_id=_new_id(order, now, dials),
            family=order.family,
            operation=order.operation,
            model=order.model,
            input_json=json.dumps(order.input, ensure_ascii=False, separators=(",", ":")),
            inherited=inherited,
            files=" ".join(order.files),
            plan=order.plan,
            callback_url=request.callback_url,
            credits=order.credits,
            created_at=now,
            finish_at=now + self._seconds(order, dials),
        )
        self.set_balance(self.balance() - order.credits)
        self._tasks.add(task)
        return task

    def _inherited(self, order: Order) -> str:
        parent = self._tasks.get(order.parent) if order.parent else None
        return passed_on(dialled(parent.input, parent.inherited)) if parent else ""

    def _seconds(self, order: Order, dials: Dials) -> float:
        if order.plan == AT_ONCE or dials.on("webhook early") or dials.on("immediate"):
            return 0.0
        if dials.on("never") or dials.on("never generating"):
            return math.inf
        return dials.number("slow") if dials.has("slow") else self._settings.seconds

    def _obey_dial(self, request: Request, refusal: Refusal | None) -> None:
        if not refusal:
            return
        query = "SELECT count(*) AS n FROM creations WHERE request = ? AND code = ?"
        refused = int(self._database.rows(query, request.name, refusal.code)[0]["n"])
        if refusal.times is None or refused < refusal.times:
            raise RefusedError(
                refusal.code, refusal.message, status=refusal.status, is_page=refusal.is_page
            )

    def _obey_limits(self, request: Request, now: float) -> None:
        query = "SELECT count(*) AS n FROM creations WHERE at > ? AND task_id IS NOT NULL"
        recent = int(self._database.rows(query, now - _WINDOW_SECONDS)[0]["n"])
        if self._settings.create_limit and recent >= self._settings.create_limit:
            raise RefusedError(429)
        query += " AND key = ?"
        key = _digest(request.key)
        of_key = int(self._database.rows(query, now - _KEY_WINDOW_SECONDS, key)[0]["n"])
        if self._settings.key_limit and of_key >= self._settings.key_limit:
            raise RefusedError(433)

    def _note(
        self,
        request: Request,
        now: float,
        code: int = 200,
        reason: str = "",
        task_id: str | None = None,
    ) -> None:
        self._database.write(
            "INSERT INTO creations VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(now, request.model, request.callback_url, request.name, _digest(request.key)),
            *(code, reason, task_id),
        )


def _new_id(order: Order, now: float, dials: Dials) -> str:
    random = uuid4()
    if order.id_style.startswith("."):
        return order.parent + order.id_style
    if dials.on("id docs"):
        vendor = order.model.split("/")[0].split("-")[0] or order.family
        return f"task_{vendor}_{int(now * 1000)}{random.hex[:4]}"
    return {"veo": f"veo_task_{random.hex[:20]}", "uuid": str(random)}.get(
        order.id_style, random.hex
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def results_wanted(given: dict[str, Any], usual: int) -> int:
    """Return how many results an input is to have, which `[results 6]` changes."""
    return int(read_dials(dialled(given, "")).number("results")) or usual
