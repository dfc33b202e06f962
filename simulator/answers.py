"""Answers in Kie.ai's envelope, and the ways in which an answer can go wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Response, request

from simulator.connection import DROP
from simulator.refusals import usual_words

if TYPE_CHECKING:
    from simulator.dials import Fault
    from simulator.refusals import RefusedError

_PAGE = (
    "<!DOCTYPE html><html><head><title>{0}</title></head>"
    "<body><h1>Error {0}</h1><p>The web server reported an error.</p></body></html>"
)
_JSON = "application/json;charset=UTF-8"


def envelope(
    code: int, message: str, data: object = None, *, status: int = 200, words_key: str = "msg"
) -> Response:
    """Answer as Kie.ai does: HTTP 200 whatever the code."""
    return json_answer({"code": code, words_key: message, "data": data}, status)


def json_answer(body: object, status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, content_type=_JSON)


def page(status: int) -> Response:
    """Answer as the front of a broken service does."""
    return Response(_PAGE.format(status), status, content_type="text/html; charset=UTF-8")


def refusal(refused: RefusedError) -> Response:
    if refused.is_page:
        return page(refused.status)
    return envelope(refused.code, refused.message, status=refused.status)


def hang_up() -> Response:
    """Close the connection without an answer."""
    request.environ[DROP] = True
    return Response()


def spoilt(response: Response, fault: Fault) -> Response:
    """Let an answer go wrong on its way."""
    match fault.kind:
        case "page":
            return page(fault.code)
        case "code" | "status":
            status = fault.code if fault.kind == "status" else 200
            return envelope(fault.code, usual_words(fault.code), status=status)
        case "drop":
            return hang_up()
        case "no id":
            return envelope(200, "success")
        case _:
            whole = response.get_data()
            kept = 0 if fault.kind == "empty" else len(whole) // 2
            return Response(whole[:kept], 200, content_type=_JSON)


def json_body() -> dict[str, Any]:
    """Read the request's body; anything but a JSON object is nothing."""
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}
