"""What tests and people look at: `/sim/...` as JSON, and one page to read."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from simulator.dials import GROUPS
from simulator.log import masked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulator.dials.kinds import Dial
    from simulator.service import Service
    from simulator.tasks import Task

_TASKS_SHOWN = 50
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Simulated Kie.ai</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ border-bottom: 1px solid #ccc; padding: .3rem .6rem; text-align: left }}
</style></head><body>
<h1>Simulated Kie.ai</h1>
<p>{credits:g} credits left; <code>PUT /sim/credits {{"credits": 0}}</code> changes that. Write
dials into a prompt, as many as you like; other words in brackets are plain prompt. As JSON:
<a href="/sim/tasks">tasks</a>, <a href="/sim/creations">creations</a>.</p>
<h2>Recent tasks</h2>
{tasks}
<h2>Dials</h2>
{dials}
</body></html>
"""


def routes(service: Service) -> Blueprint:
    """Make the routes."""
    inspection = Blueprint("inspection", __name__)

    @inspection.get("/sim/tasks")
    def tasks() -> Response:
        attempts = service.webhooks.attempts()
        shown = [_task(task, attempts.get(task.task_id, [])) for task in service.tasks.all()]
        return jsonify(shown)

    @inspection.get("/sim/creations")
    def creations() -> Response:
        return jsonify([_creation(row) for row in service.account.creations()])

    @inspection.get("/sim/credits")
    def credits_left() -> Response:
        return jsonify(credits=service.account.balance())

    @inspection.put("/sim/credits")
    def set_credits() -> tuple[Response, int]:
        wanted = (request.get_json(silent=True) or {}).get("credits")
        if isinstance(wanted, bool) or not isinstance(wanted, int | float) or wanted < 0:
            return jsonify(error='send {"credits": 0} or more'), 422
        service.account.set_balance(wanted)
        return credits_left(), 200

    @inspection.post("/sim/reset")
    def reset() -> Response:
        service.reset()
        return jsonify(reset=True)

    @inspection.get("/")
    def page() -> str:
        return _PAGE.format(
            credits=service.account.balance(),
            tasks=_recent_tasks(service),
            dials="".join(_group(name, dials) for name, dials in GROUPS),
        )

    return inspection


def _task(task: Task, attempts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "taskId": task.task_id,
        "family": task.family,
        "operation": task.operation,
        "model": task.model,
        "callBackUrl": masked(task.callback_url),
        "prompt": task.words,
        "input": task.input,
        "created": _moment(task.created_at),
        "completed": _moment(task.completed_at),
        "state": task.stage(time.time()).value,
        "credits": task.credits,
        "polls": task.polls,
        "webhooks": [{**attempt, "at": _moment(attempt["at"])} for attempt in attempts],
    }


def _creation(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": _moment(row["at"]),
        "model": row["model"],
        "callBackUrl": masked(row["callback_url"]),
        "accepted": row["task_id"] is not None,
        "code": row["code"],
        "reason": row["reason"],
        "taskId": row["task_id"],
    }


def _group(name: str, dials: Iterable[Dial]) -> str:
    rows = ((dial.written, dial.does) for dial in dials)
    return f"<h3>{name}</h3>\n{_table(('write', 'and'), rows)}"


def _recent_tasks(service: Service) -> str:
    attempts = service.webhooks.attempts()
    recent = service.tasks.all()[-_TASKS_SHOWN:][::-1]
    rows = (
        (
            *(_moment(task.created_at), task.task_id, task.model or task.family, task.words[:80]),
            *(task.stage(time.time()).value, task.polls, _statuses(attempts.get(task.task_id, []))),
        )
        for task in recent
    )
    return _table(("created", "task", "model", "prompt", "state", "polls", "webhooks"), rows)


def _statuses(attempts: list[dict[str, Any]]) -> str:
    return ", ".join(f"{attempt['kind']} {attempt['status'] or 'lost'}" for attempt in attempts)


def _table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in names)
    lines = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>\n" for line in lines)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _moment(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
