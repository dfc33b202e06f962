"""Luma Modify: `/api/v1/modify/...`, gone from Kie.ai's documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.kie.account import Order
from dev.kie.exchange import Question, usual_routes
from dev.kie.families.family import Family
from dev.kie.inputs import POLITE, checked
from dev.kie.letters import failure_code
from dev.kie.shapes import encoded, error, response, shaped

if TYPE_CHECKING:
    from flask import Blueprint

    from dev.kie.service import Service
    from dev.kie.telling import Telling

    type Record = dict[str, Any]

NAME = "luma"
_FIELDS = "prompt=text! videoUrl=link! watermark=text"
_CREDITS = 80.0
_CALLBACK_FAILED = 4


def _routes(service: Service) -> Blueprint:
    return usual_routes(
        service, "/api/v1/modify", _order, Question(NAME, _record, unknown=(200, "success"))
    )


def _order(body: Record) -> Order:
    given = checked(body, _FIELDS, POLITE)
    return Order(NAME, "modify", "luma-modify", given, ("mp4",), _CREDITS)


def _record(telling: Telling) -> Record:
    is_bare = telling.dials.on("callback exception empty") and telling.has_succeeded
    return {
        "taskId": telling.task.wire_id,
        "paramJson": telling.request_text(),
        "completeTime": telling.completed("ms"),
        "response": None if is_bare else response(telling, lambda: _result(telling)),
        "successFlag": _CALLBACK_FAILED if telling.is_callback_exception else telling.flag,
        **error(telling),
        "createTime": telling.created("ms"),
    }


def _result(telling: Telling) -> Record:
    return {"taskId": telling.task.wire_id, "resultUrls": telling.links()}


def _webhook(telling: Telling) -> Record:
    task_id = telling.task.wire_id
    if telling.failure:
        code = failure_code(telling, (400, 422, 500, 501), 500)
        return {"code": code, "msg": telling.failure.message, "data": {"taskId": task_id}}
    links = None if telling.is_empty else shaped(telling, {"resultUrls": telling.links()})
    data = {"taskId": task_id, "info": encoded(telling, links)}
    return {"code": 200, "msg": "success", "data": data}


FAMILY = Family(NAME, _routes, _record, _webhook)
