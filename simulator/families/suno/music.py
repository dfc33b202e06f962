"""Suno's music: `/api/v1/generate...`, told of in three steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator import songs
from simulator.exchange import Question, ask, create
from simulator.families.suno.orders import NAME, OPERATIONS
from simulator.shapes import encoded, error
from simulator.steps import END
from simulator.tasks import Stage
from simulator.webhook_bodies import failure_code

if TYPE_CHECKING:
    from flask import Blueprint, Response

    from simulator.families.suno.orders import Operation
    from simulator.service import Service
    from simulator.snapshot import Snapshot

    type Record = dict[str, Any]

_NAMES = tuple(operation.name for operation in OPERATIONS)
_CODES = (400, 408, 413, 500, 501, 531)
_WORDS = {
    "text": "Text generation completed successfully.",
    "first": "First track generated successfully.",
    END: "All generated successfully.",
}


def add_routes(routes: Blueprint, service: Service) -> None:
    """Add the calls that make music, and the question after it."""
    question = Question(NAME, record, unknown=(200, "success"), operations=_NAMES)
    for operation in OPERATIONS:
        _add_creation(routes, service, operation)

    @routes.get("/generate/record-info")
    def music_record_info() -> Response:
        return ask(service, question)


def _add_creation(routes: Blueprint, service: Service, operation: Operation) -> None:
    def make() -> Response:
        return create(service, operation.order, record)

    routes.post(f"/generate{operation.path}", endpoint=operation.name)(make)


def record(snapshot: Snapshot) -> Record:
    """Write what is told to somebody who asks."""
    task = snapshot.task
    status = _status(snapshot)
    return {
        "taskId": task.wire_id,
        "parentMusicId": str(task.input.get("audioId") or ""),
        "param": snapshot.request_text(with_url=True),
        "response": _response(snapshot, status),
        "status": snapshot.state_of(status),
        "type": task.operation.upper().replace("-", "_"),
        **error(snapshot, message=None),
    }


def _status(snapshot: Snapshot) -> str:
    failure = snapshot.failure
    if failure:
        if failure.is_sensitive:
            return "SENSITIVE_WORD_ERROR"
        return "CREATE_TASK_FAILED" if failure.stage == "create" else "GENERATE_AUDIO_FAILED"
    if snapshot.is_callback_exception:
        return "CALLBACK_EXCEPTION"
    if snapshot.has_succeeded:
        return "SUCCESS"
    is_waiting = snapshot.stage is Stage.WAITING
    steps = [] if is_waiting else snapshot.task.steps_done(snapshot.now)
    return f"{steps[-1].name.upper()}_SUCCESS" if steps else "PENDING"


def _response(snapshot: Snapshot, status: str) -> Any:
    most = {"TEXT_SUCCESS": 0, "FIRST_SUCCESS": 1}.get(status)
    is_bare = snapshot.dials.on("callback exception empty") and snapshot.has_succeeded
    if most is None and (not snapshot.has_result or is_bare):
        return None
    found = songs.tracks(snapshot, most=most)
    return encoded(snapshot, {"taskId": snapshot.task.wire_id, "sunoData": found})


def webhook(snapshot: Snapshot) -> Record:
    """Write the webhook about a step, the end or a failure."""
    ids = {"task_id": snapshot.task.wire_id}
    if snapshot.failure:
        return _failure(snapshot, ids)
    most = {"text": 0, "first": 1, END: None}[snapshot.event]
    found = [] if snapshot.is_empty else songs.tracks(snapshot, in_snake_case=True, most=most)
    kind = "complete" if snapshot.event == END else snapshot.event
    data = {"callbackType": kind, **ids, "data": encoded(snapshot, found)}
    return {"code": 200, "msg": _WORDS[snapshot.event], "data": data}


def _failure(snapshot: Snapshot, ids: Record) -> Record:
    failure = snapshot.failure
    code = failure_code(snapshot, _CODES, 501)
    message = failure.message if failure else ""
    rest: Record = {"data": [] if code == 531 else None}
    if snapshot.task.operation == "replace-section":
        rest = {"error": message}
    return {"code": code, "msg": message, "data": {"callbackType": "error", **ids, **rest}}
