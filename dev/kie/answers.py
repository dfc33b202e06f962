"""Answers in Kie.ai's envelope, and the ways in which an answer can go wrong."""

from __future__ import annotations

import hmac
import json
import time
from typing import TYPE_CHECKING, Any

from flask import Response, request

from dev.kie.account import RefusedError
from dev.kie.connection import DROP
from dev.kie.log import log

if TYPE_CHECKING:
    from dev.kie.tasks import Task

_OUTAGE = "<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>"
_UNAUTHORIZED = "You do not have access permissions"


def envelope(code: int, message: str, data: object = None, *, status: int = 200) -> Response:
    """Answer as Kie.ai does: HTTP 200 whatever the code."""
    body = {"code": code, "msg": message, "data": data}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, content_type="application/json;charset=UTF-8")


def outage() -> Response:
    """Answer as the front of a broken service does."""
    return Response(_OUTAGE, 500, content_type="text/html; charset=UTF-8")


def json_body() -> dict[str, Any]:
    """Read the request's body; anything but a JSON object is nothing."""
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def check_caller(api_key: str | None) -> None:
    """
    Look at the headers that every call needs.

    Args:
        api_key: The only key that is good; None lets any key pass.

    Raises:
        RefusedError: A header is missing or wrong.

    """
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    key = key.strip()
    is_known = bool(key) if api_key is None else hmac.compare_digest(key.encode(), api_key.encode())
    if scheme.lower() != "bearer" or not is_known:
        raise RefusedError(401, _UNAUTHORIZED)
    # Kie.ai gives a body of another type the same answer.
    is_form = request.path == "/api/file-stream-upload"
    if request.method == "POST" and not request.is_json and not is_form:
        raise RefusedError(401, _UNAUTHORIZED)


def created(task: Task, data: dict[str, Any]) -> Response:
    """Answer a creation that was accepted, in the way its dials ask for."""
    dials = task.dials
    time.sleep(dials.create_slow_seconds)
    if dials.create_fault or dials.create_slow_seconds:
        log(task.task_id, f"createTask answered: {dials.create_fault or 'late'}")
    match dials.create_fault:
        case "drop":
            request.environ[DROP] = True
            return Response()
        case "500":
            return outage()
        case "500 code":
            return envelope(500, "Server exception")
        case _:
            return envelope(200, "success", data)
