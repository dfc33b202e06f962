"""Webhooks: signed, sent, sent again; and lost, late, doubled or forged on request."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit, urlunsplit

import httpx

from simulator.log import log, masked
from simulator.signing import JSON_HEADERS, signed_headers
from simulator.steps import END
from simulator.webhook_bodies import task_id_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from simulator.database import Database
    from simulator.schedule import Schedule
    from simulator.settings import Settings
    from simulator.tasks import Task, Tasks

    type Body = dict[str, Any]

_UNREADABLE = b'{"code":200,"msg":"Playground task comp'
_FORGED_BASE_URL = "https://files.forged.invalid"
_AN_HOUR = 3600


@dataclass(frozen=True)
class _Delivery:
    """One webhook that is owed to somebody; it stays open until answered or given up."""

    number: int
    task_id: str
    event: str
    due_at: float
    retries: int


@dataclass(frozen=True)
class _Request:
    """One POST."""

    kind: str
    url: str
    body: bytes
    headers: dict[str, str]


class Webhooks:
    """
    Delivers webhooks until they are answered with 200, or all retries are used up.

    Args:
        body_of: Writes a task's webhook body about a step or the end, with result links that start
            with the given URL; None stands for the true one.

    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        schedule: Schedule,
        tasks: Tasks,
        body_of: Callable[[Task, str, str | None], Body],
    ) -> None:
        self._settings = settings
        self._database = database
        self._schedule = schedule
        self._tasks = tasks
        self._body_of = body_of
        # Proxies of this machine are not asked: receivers are on it, or behind a public name.
        # A kept connection may turn out dead after the receiver's restart, so none is kept.
        self._client = httpx.Client(
            timeout=settings.webhook_timeout_seconds,
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    def owe(self, task: Task, event: str) -> list[int]:
        """Write down what is to be sent about a step or the end of a task, once."""
        dials = task.dials
        says_nothing = dials.on("webhook lost") or dials.on("immediate") or task.keeps_quiet
        if not (task.callback_url and self._settings.sends_webhooks) or says_nothing:
            return []
        query = "SELECT 1 FROM deliveries WHERE task_id = ? AND event = ?"
        if self._database.rows(query, task.task_id, event):
            return []
        statement = "INSERT INTO deliveries VALUES (NULL, ?, ?, ?, 0, 1, 0)"
        return [
            cast("int", self._database.write(statement, task.task_id, event, due_at).lastrowid)
            for due_at in _moments(task, event)
        ]

    def forge(self, task: Task) -> None:
        """Send a forgery, if a dial wants one; once, as a forger would."""
        if task.callback_url and task.dials.on("webhook forged"):
            forged = self._forged(task)
            self._note(task, forged, self._post(forged))

    def has_given_up(self, task_id: str) -> bool:
        """Return whether a webhook of a task was never answered well."""
        query = "SELECT 1 FROM deliveries WHERE task_id = ? AND is_given_up"
        return bool(self._database.rows(query, task_id))

    def send(self, numbers: list[int]) -> list[Future[None]]:
        """Send what is owed when it is due; each future ends with the first attempt."""
        return [self._plan(number) for number in numbers]

    def resume(self) -> None:
        """Take up what was owed when the simulator ended."""
        rows = self._database.rows("SELECT number FROM deliveries WHERE is_open ORDER BY number")
        self.send([row["number"] for row in rows])

    def attempts(self) -> dict[str, list[dict[str, Any]]]:
        """List what was sent, by task."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self._database.rows("SELECT * FROM attempts ORDER BY number"):
            shown = {name: row[name] for name in ("at", "kind", "status", "error")}
            found.setdefault(row["task_id"], []).append(shown)
        return found

    def close(self) -> None:
        self._client.close()

    def _plan(self, number: int) -> Future[None]:
        delivery = self._delivery(number)
        due_at = delivery.due_at if delivery else 0.0
        return self._schedule.at(due_at, partial(self._attempt, number))

    def _delivery(self, number: int) -> _Delivery | None:
        query = "SELECT * FROM deliveries WHERE number = ? AND is_open"
        for row in self._database.rows(query, number):
            return _Delivery(number, *(row[n] for n in ("task_id", "event", "due_at", "retries")))
        return None

    def _attempt(self, number: int) -> None:
        delivery = self._delivery(number)
        task = self._tasks.get(delivery.task_id) if delivery else None
        if not delivery or not task:
            return
        # Copies of one webhook are due at the same moment, so they are signed alike.
        late = time.time() - delivery.due_at > 1.0
        signed_at = int(time.time() if late else delivery.due_at)
        request = self._true(task, delivery.event, signed_at)
        answer = self._post(request)
        # What was sent and what follows from it are one: an end in between would send it again.
        with self._database.transaction():
            self._note(task, request, answer)
            if answer == httpx.codes.OK:
                self._settle(delivery)
            else:
                self._send_again(task, delivery)
        if self._delivery(number):
            self._plan(number)

    def _send_again(self, task: Task, delivery: _Delivery) -> None:
        pauses = self._settings.retry_pauses_seconds
        if delivery.retries >= len(pauses):
            log(task.task_id, f"webhook given up after {delivery.retries + 1} attempts")
            self._settle(delivery, is_given_up=True)
            return
        due_at = time.time() + pauses[delivery.retries]
        statement = "UPDATE deliveries SET due_at = ?, retries = retries + 1 WHERE number = ?"
        self._database.write(statement, due_at, delivery.number)

    def _settle(self, delivery: _Delivery, *, is_given_up: bool = False) -> None:
        statement = "UPDATE deliveries SET is_open = 0, is_given_up = ? WHERE number = ?"
        self._database.write(statement, is_given_up, delivery.number)

    def _true(self, task: Task, event: str, signed_at: int) -> _Request:
        body = self._body_of(task, event, None)
        headers = self._headers(task, task_id_in(body) or task.wire_id, signed_at)
        if task.dials.on("webhook unreadable"):
            return _Request("unreadable", task.callback_url, _UNREADABLE, headers)
        return _Request("true", task.callback_url, _json(body), headers)

    def _forged(self, task: Task) -> _Request:
        parts = urlsplit(task.callback_url)
        head, _, token = parts.path.rpartition("/")
        url = urlunsplit(parts._replace(path=f"{head}/{token[::-1]}0"))
        body = _json(self._body_of(task, END, _FORGED_BASE_URL))
        return _Request(
            "forged", url, body, signed_headers(task.wire_id, int(time.time()), token_hex())
        )

    def _headers(self, task: Task, task_id: str, signed_at: int) -> dict[str, str]:
        key, dials = self._settings.webhook_hmac_key, task.dials
        if not key or dials.on("webhook unsigned"):
            return dict(JSON_HEADERS)
        return signed_headers(task_id, signed_at - _AN_HOUR * dials.on("webhook stale"), key)

    def _post(self, request: _Request) -> int | str:
        """Send it; gives the status of the answer, or the name of what went wrong."""
        try:
            response = self._client.post(request.url, content=request.body, headers=request.headers)
        # ValueError: not a URL at all. RuntimeError: we are ending, as is noticed next.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RuntimeError) as failed:
            return type(failed).__name__
        return response.status_code

    def _note(self, task: Task, request: _Request, answer: int | str) -> None:
        status, error = (answer, None) if isinstance(answer, int) else (None, answer)
        self._database.write(
            "INSERT INTO attempts VALUES (NULL, ?, ?, ?, ?, ?)",
            *(task.task_id, time.time(), request.kind, status, error),
        )
        kind = "" if request.kind == "true" else f"{request.kind} "
        log(task.task_id, f"{kind}webhook to {masked(request.url)}: {answer}")


def _moments(task: Task, event: str) -> list[float]:
    """Return when the webhooks about a step or the end of a task are due."""
    dials = task.dials
    if event == END:
        at = cast("float", task.completed_at) + dials.number("webhook late")
        again = [at + dials.number("webhook again")] if dials.has("webhook again") else []
        return [at] * int(dials.number("webhook copies") or 1) + again
    step = next(step for step in task.steps if step.name == event)
    if not dials.on("suno out of order"):
        return [task.step_at(step)]
    # The earlier the event, the later it comes, and all after the end.
    seconds = task.finish_at - task.created_at
    return [task.finish_at + dials.number("webhook late") + seconds * (1 - step.share)]


def _json(body: Body) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
