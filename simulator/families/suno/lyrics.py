"""Suno's lyrics: `/api/v1/lyrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator import songs
from simulator.account import Order
from simulator.exchange import Question, ask, create
from simulator.families.suno.orders import NAME, without_url
from simulator.inputs import POLITE, check
from simulator.shapes import encoded, error
from simulator.webhook_bodies import failure_code

if TYPE_CHECKING:
    from flask import Blueprint, Response

    from simulator.service import Service
    from simulator.snapshot import Snapshot

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


def record(snapshot: Snapshot) -> Record:
    """Write what is told to somebody who asks."""
    found = {"taskId": snapshot.task.wire_id, "data": songs.lyrics(snapshot)}
    return {
        "taskId": snapshot.task.wire_id,
        "param": snapshot.request_text(),
        "response": encoded(snapshot, found) if snapshot.has_result else None,
        "status": snapshot.state_of(_status(snapshot)),
        "type": "LYRICS",
        **error(snapshot, message=None),
    }


def _status(snapshot: Snapshot) -> str:
    failure = snapshot.failure
    if failure and failure.is_sensitive:
        return "SENSITIVE_WORD_ERROR"
    if failure:
        return "CREATE_TASK_FAILED" if failure.stage == "create" else "GENERATE_LYRICS_FAILED"
    if snapshot.is_callback_exception:
        return "CALLBACK_EXCEPTION"
    return "SUCCESS" if snapshot.has_succeeded else "PENDING"


def webhook(snapshot: Snapshot) -> Record:
    """Write the webhook, which is `complete` even about a failure."""
    failure = snapshot.failure
    data: Record = {"callbackType": "complete", "task_id": snapshot.task.wire_id}
    if failure:
        code = failure_code(snapshot, (400, 413, 500, 501, 531), 400)
        return {"code": code, "msg": failure.message, "data": {**data, "data": None}}
    found = [] if snapshot.is_empty else songs.lyrics(snapshot, in_snake_case=True)
    data["data"] = encoded(snapshot, found)
    return {"code": 200, "msg": "All generated successfully.", "data": data}
