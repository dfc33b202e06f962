"""Runway Aleph: `/api/v1/aleph/...`; its webhooks name the task at the top."""

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


def _record(telling: Telling) -> Record:
    is_live = telling.dials.word("fields") == "live"
    return {
        "taskId": telling.task.wire_id,
        "paramJson": telling.request_text(with_url=is_live),
        "response": response(telling, lambda: _result(telling)),
        "completeTime": telling.completed("ms whole" if is_live else "iso"),
        "createTime": telling.created("ms whole" if is_live else "iso"),
        "successFlag": telling.flag,
        **error(telling, code=0),
    }


def _result(telling: Telling) -> Record:
    return {
        "taskId": telling.task.wire_id,
        "resultVideoUrl": telling.link(0),
        "resultImageUrl": telling.link(1),
    }


def _webhook(telling: Telling) -> Record:
    top = {"taskId": telling.task.wire_id}
    if telling.failure:
        code = failure_code(telling, (400, 422, 500, 501), 500)
        return {"code": code, "msg": telling.failure.message, "data": None, **top}
    files = {"result_video_url": telling.link(0), "result_image_url": telling.link(1)}
    data = None if telling.is_empty else encoded(telling, shaped(telling, files))
    return {"code": 200, "msg": "success", "data": data, **top}


FAMILY = Family(NAME, _routes, _record, _webhook)
