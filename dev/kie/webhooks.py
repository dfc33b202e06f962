"""Webhooks: signed, sent, sent again; and lost, late, doubled, forged or unreadable on request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit, urlunsplit

import httpx

from dev.kie.log import log, masked

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from dev.kie.database import Database
    from dev.kie.schedule import Schedule
    from dev.kie.settings import Settings
    from dev.kie.tasks import Task, Tasks

    type Body = dict[str, Any]

_UNREADABLE = b'{"code":200,"msg":"Playground task comp'
_FORGED_BASE_URL = "https://files.forged.invalid"


@dataclass(frozen=True)
class _Delivery:
    """One webhook that is owed to somebody; it stays open until answered or given up."""

    number: int
    task_id: str
    due_at: float
    retries: int


@dataclass(frozen=True)
class _Letter:
    """One POST."""

    kind: str
    url: str
    body: bytes
    headers: dict[str, str]


class Webhooks:
    """
    Delivers webhooks until they are answered with 200, or all retries are used up.

    Args:
        body_of: Writes a task's webhook body with result links that start with the given URL;
            None stands for the true one.

    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        schedule: Schedule,
        tasks: Tasks,
        body_of: Callable[[Task, str | None], Body],
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

    def owe(self, task: Task) -> list[int]:
        """Write down what is to be sent for a task that has just ended."""
        if not task.callback_url or task.dials.webhook_lost:
            return []
        due_at = cast("float", task.completed_at) + task.dials.webhook_late_seconds
        statement = "INSERT INTO deliveries VALUES (NULL, ?, ?, 0, 1)"
        return [
            cast("int", self._database.write(statement, task.task_id, due_at).lastrowid)
            for _ in range(task.dials.webhook_copies)
        ]

    def forge(self, task: Task) -> None:
        """Send a forgery, if a dial wants one; once, as a forger would."""
        if task.callback_url and task.dials.webhook_forged:
            self._post(task, self._forged(task))

    def tell(self, task: Task, body: Body) -> None:
        """Send word of progress, once."""
        headers = self._headers(task.task_id, int(time.time()), self._settings.webhook_hmac_key)
        self._post(task, _Letter("progress", task.callback_url, _json(body), headers))

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
            return _Delivery(number, row["task_id"], row["due_at"], row["retries"])
        return None

    def _attempt(self, number: int) -> None:
        delivery = self._delivery(number)
        task = self._tasks.get(delivery.task_id) if delivery else None
        if not delivery or not task:
            return
        # Copies of one webhook are due at the same moment, so they are signed alike.
        late = time.time() - delivery.due_at > 1.0
        signed_at = int(time.time() if late else delivery.due_at)
        if self._post(task, self._true(task, signed_at)):
            self._settle(delivery)
        else:
            self._send_again(task, delivery)

    def _send_again(self, task: Task, delivery: _Delivery) -> None:
        pauses = self._settings.retry_pauses_seconds
        if delivery.retries >= len(pauses):
            log(task.task_id, f"webhook given up after {delivery.retries + 1} attempts")
            self._settle(delivery)
            return
        due_at = time.time() + pauses[delivery.retries]
        statement = "UPDATE deliveries SET due_at = ?, retries = retries + 1 WHERE number = ?"
        self._database.write(statement, due_at, delivery.number)
        self._plan(delivery.number)

    def _settle(self, delivery: _Delivery) -> None:
        statement = "UPDATE deliveries SET is_open = 0 WHERE number = ?"
        self._database.write(statement, delivery.number)

    def _true(self, task: Task, signed_at: int) -> _Letter:
        headers = self._headers(task.task_id, signed_at, self._settings.webhook_hmac_key)
        if task.dials.webhook_unreadable:
            return _Letter("unreadable", task.callback_url, _UNREADABLE, headers)
        return _Letter("true", task.callback_url, _json(self._body_of(task, None)), headers)

    def _forged(self, task: Task) -> _Letter:
        parts = urlsplit(task.callback_url)
        head, _, token = parts.path.rpartition("/")
        url = urlunsplit(parts._replace(path=f"{head}/{token[::-1]}0"))
        body = _json(self._body_of(task, _FORGED_BASE_URL))
        headers = self._headers(task.task_id, int(time.time()), secrets.token_hex())
        return _Letter("forged", url, body, headers)

    def _headers(self, task_id: str, signed_at: int, key: str | None) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if key:
            headers["X-Webhook-Timestamp"] = str(signed_at)
            headers["X-Webhook-Signature"] = signature(task_id, signed_at, key)
        return headers

    def _post(self, task: Task, letter: _Letter) -> bool:
        status, error = None, None
        try:
            response = self._client.post(letter.url, content=letter.body, headers=letter.headers)
            status = response.status_code
        # ValueError: not a URL at all. RuntimeError: we are ending, as the next line notices.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RuntimeError) as failed:
            error = type(failed).__name__
        self._database.write(
            "INSERT INTO attempts VALUES (NULL, ?, ?, ?, ?, ?)",
            *(task.task_id, time.time(), letter.kind, status, error),
        )
        kind = "" if letter.kind == "true" else f"{letter.kind} "
        log(task.task_id, f"{kind}webhook to {masked(letter.url)}: {status or error}")
        return status == httpx.codes.OK


def signature(task_id: str, signed_at: int, key: str) -> str:
    """Sign the task id and the time in unix seconds; the body is not covered, as at Kie.ai."""
    message = f"{task_id}.{signed_at}".encode()
    return base64.b64encode(hmac.new(key.encode(), message, hashlib.sha256).digest()).decode()


def _json(body: Body) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
