"""Suno's music: `/api/v1/generate...`, told of in three steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.kie import songs
from dev.kie.exchange import Question, ask, create
from dev.kie.families.suno.orders import NAME, OPERATIONS
from dev.kie.letters import failure_code
from dev.kie.shapes import encoded, error
from dev.kie.steps import END
from dev.kie.tasks import Stage

if TYPE_CHECKING:
    from flask import Blueprint, Response

    from dev.kie.families.suno.orders import Operation
    from dev.kie.service import Service
    from dev.kie.telling import Telling

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


def record(telling: Telling) -> Record:
    """Write what is told to somebody who asks."""
    task = telling.task
    status = _status(telling)
    return {
        "taskId": task.wire_id,
        "parentMusicId": str(task.input.get("audioId") or ""),
        "param": telling.request_text(with_url=True),
        "response": _response(telling, status),
        "status": telling.state_of(status),
        "type": task.operation.upper().replace("-", "_"),
        **error(telling, message=None),
    }


def _status(telling: Telling) -> str:
    failure = telling.failure
    if failure:
        if failure.is_sensitive:
            return "SENSITIVE_WORD_ERROR"
        return "CREATE_TASK_FAILED" if failure.stage == "create" else "GENERATE_AUDIO_FAILED"
    if telling.is_callback_exception:
        return "CALLBACK_EXCEPTION"
    if telling.has_succeeded:
        return "SUCCESS"
    is_waiting = telling.stage is Stage.WAITING
    steps = [] if is_waiting else telling.task.steps_done(telling.now)
    return f"{steps[-1].name.upper()}_SUCCESS" if steps else "PENDING"


def _response(telling: Telling, status: str) -> Any:
    most = {"TEXT_SUCCESS": 0, "FIRST_SUCCESS": 1}.get(status)
    is_bare = telling.dials.on("callback exception empty") and telling.has_succeeded
    if most is None and (not telling.has_result or is_bare):
        return None
    found = songs.tracks(telling, most=most)
    return encoded(telling, {"taskId": telling.task.wire_id, "sunoData": found})


def webhook(telling: Telling) -> Record:
    """Write the webhook about a step, the end or a failure."""
    ids = {"task_id": telling.task.wire_id}
    if telling.failure:
        return _failure(telling, ids)
    most = {"text": 0, "first": 1, END: None}[telling.news]
    found = [] if telling.is_empty else songs.tracks(telling, in_snake_case=True, most=most)
    kind = "complete" if telling.news == END else telling.news
    data = {"callbackType": kind, **ids, "data": encoded(telling, found)}
    return {"code": 200, "msg": _WORDS[telling.news], "data": data}


def _failure(telling: Telling, ids: Record) -> Record:
    failure = telling.failure
    code = failure_code(telling, _CODES, 501)
    message = failure.message if failure else ""
    rest: Record = {"data": [] if code == 531 else None}
    if telling.task.operation == "replace-section":
        rest = {"error": message}
    return {"code": code, "msg": message, "data": {"callbackType": "error", **ids, **rest}}
