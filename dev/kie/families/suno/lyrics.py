"""Suno's lyrics: `/api/v1/lyrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.kie import songs
from dev.kie.account import Order
from dev.kie.exchange import Question, ask, create
from dev.kie.families.suno.orders import NAME, without_url
from dev.kie.inputs import POLITE, check
from dev.kie.letters import failure_code
from dev.kie.shapes import encoded, error

if TYPE_CHECKING:
    from flask import Blueprint, Response

    from dev.kie.service import Service
    from dev.kie.telling import Telling

    type Record = dict[str, Any]

OPERATION = "lyrics"
_CREDITS = 0.4


def add_routes(routes: Blueprint, service: Service) -> None:
    """Add the call that writes lyrics, and the question after them."""
    question = Question(NAME, record, unknown=(200, "success"), operations=(OPERATION,))

    @routes.post("/lyrics")
    def make_lyrics() -> Response:
        return create(service, _order, record)

    @routes.get("/lyrics/record-info")
    def lyrics_record_info() -> Response:
        return ask(service, question)


def _order(body: Record) -> Order:
    given = without_url(body)
    check(given, "prompt=text:1-1000!", POLITE)
    return Order(NAME, OPERATION, "lyrics", given, (), _CREDITS)


def record(telling: Telling) -> Record:
    """Write what is told to somebody who asks."""
    found = {"taskId": telling.task.wire_id, "data": songs.lyrics(telling)}
    return {
        "taskId": telling.task.wire_id,
        "param": telling.request_text(),
        "response": encoded(telling, found) if telling.has_result else None,
        "status": telling.state_of(_status(telling)),
        "type": "LYRICS",
        **error(telling, message=None),
    }


def _status(telling: Telling) -> str:
    failure = telling.failure
    if failure and failure.is_sensitive:
        return "SENSITIVE_WORD_ERROR"
    if failure:
        return "CREATE_TASK_FAILED" if failure.stage == "create" else "GENERATE_LYRICS_FAILED"
    if telling.is_callback_exception:
        return "CALLBACK_EXCEPTION"
    return "SUCCESS" if telling.has_succeeded else "PENDING"


def webhook(telling: Telling) -> Record:
    """Write the webhook, which is `complete` even about a failure."""
    failure = telling.failure
    data: Record = {"callbackType": "complete", "task_id": telling.task.wire_id}
    if failure:
        code = failure_code(telling, (400, 413, 500, 501, 531), 400)
        return {"code": code, "msg": failure.message, "data": {**data, "data": None}}
    found = [] if telling.is_empty else songs.lyrics(telling, in_snake_case=True)
    data["data"] = encoded(telling, found)
    return {"code": 200, "msg": "All generated successfully.", "data": data}
