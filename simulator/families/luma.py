"""Luma Modify: `/api/v1/modify/...`, gone from Kie.ai's documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.account import Order
from simulator.exchange import Question, usual_routes
from simulator.families.family import Family
from simulator.inputs import POLITE, checked
from simulator.shapes import encoded, error, response, shaped
from simulator.webhook_bodies import failure_code

if TYPE_CHECKING:
    from flask import Blueprint

    from simulator.service import Service
    from simulator.snapshot import Snapshot

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


def _record(snapshot: Snapshot) -> Record:
    is_bare = snapshot.dials.on("callback exception empty") and snapshot.has_succeeded
    return {
        "taskId": snapshot.task.wire_id,
        "paramJson": snapshot.request_text(),
        "completeTime": snapshot.completed("ms"),
        "response": None if is_bare else response(snapshot, lambda: _result(snapshot)),
        "successFlag": _CALLBACK_FAILED if snapshot.is_callback_exception else snapshot.flag,
        **error(snapshot),
        "createTime": snapshot.created("ms"),
    }


def _result(snapshot: Snapshot) -> Record:
    return {"taskId": snapshot.task.wire_id, "resultUrls": snapshot.links()}


def _webhook(snapshot: Snapshot) -> Record:
    task_id = snapshot.task.wire_id
    if snapshot.failure:
        code = failure_code(snapshot, (400, 422, 500, 501), 500)
        return {"code": code, "msg": snapshot.failure.message, "data": {"taskId": task_id}}
    links = None if snapshot.is_empty else shaped(snapshot, {"resultUrls": snapshot.links()})
    data = {"taskId": task_id, "info": encoded(snapshot, links)}
    return {"code": 200, "msg": "success", "data": data}


FAMILY = Family(NAME, _routes, _record, _webhook)
