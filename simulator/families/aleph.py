"""Runway Aleph: `/api/v1/aleph/...`; its webhooks name the task at the top."""

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

NAME = "aleph"
_FIELDS = (
    "prompt=text! videoUrl=link! aspectRatio=(16:9|9:16|4:3|3:4|1:1|21:9) seed=int "
    "referenceImage=link waterMark=text uploadCn=flag"
)
_CREDITS = 110.0


def _routes(service: Service) -> Blueprint:
    return usual_routes(
        service, "/api/v1/aleph", _order, Question(NAME, _record, unknown=(200, "success"))
    )


def _order(body: Record) -> Order:
    given = checked(body, _FIELDS, POLITE)
    return Order(NAME, "generate", "aleph", given, ("mp4", "png"), _CREDITS)


def _record(snapshot: Snapshot) -> Record:
    is_live = snapshot.dials.word("fields") == "live"
    return {
        "taskId": snapshot.task.wire_id,
        "paramJson": snapshot.request_text(with_url=is_live),
        "response": response(snapshot, lambda: _result(snapshot)),
        "completeTime": snapshot.completed("ms whole" if is_live else "iso"),
        "createTime": snapshot.created("ms whole" if is_live else "iso"),
        "successFlag": snapshot.flag,
        **error(snapshot, code=0),
    }


def _result(snapshot: Snapshot) -> Record:
    return {
        "taskId": snapshot.task.wire_id,
        "resultVideoUrl": snapshot.link(0),
        "resultImageUrl": snapshot.link(1),
    }


def _webhook(snapshot: Snapshot) -> Record:
    top = {"taskId": snapshot.task.wire_id}
    if snapshot.failure:
        code = failure_code(snapshot, (400, 422, 500, 501), 500)
        return {"code": code, "msg": snapshot.failure.message, "data": None, **top}
    files = {"result_video_url": snapshot.link(0), "result_image_url": snapshot.link(1)}
    data = None if snapshot.is_empty else encoded(snapshot, shaped(snapshot, files))
    return {"code": 200, "msg": "success", "data": data, **top}


FAMILY = Family(NAME, _routes, _record, _webhook)
