"""Flux Kontext: `/api/v1/flux/kontext/...`."""

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

NAME = "flux_kontext"
_FIELDS = (
    "prompt=text:1-3000! inputImage=link aspectRatio=(21:9|16:9|4:3|1:1|3:4|9:16) "
    "outputFormat=(jpeg|png) model=(flux-kontext-pro|flux-kontext-max) enableTranslation=flag "
    "promptUpsampling=flag safetyTolerance=int:0-6 uploadCn=flag watermark=text"
)
_CREDITS = {"flux-kontext-pro": 5.0, "flux-kontext-max": 10.0}


def _routes(service: Service) -> Blueprint:
    return usual_routes(service, "/api/v1/flux/kontext", _order, Question(NAME, _record))


def _order(body: Record) -> Order:
    given = checked(body, _FIELDS, POLITE)
    model = given.get("model") or "flux-kontext-pro"
    ending = "jpg" if given.get("outputFormat") == "jpeg" else "png"
    # The first is the picture that comes from the model, the second the copy that lasts.
    return Order(NAME, "generate", model, given, (ending, ending), _CREDITS[model])


def _record(telling: Telling) -> Record:
    record = {
        "taskId": telling.task.wire_id,
        "paramJson": telling.request_text(),
        "completeTime": telling.completed("iso"),
        "response": response(telling, lambda: _pictures(telling)),
        "successFlag": telling.flag,
        **error(telling),
        "createTime": telling.created("iso"),
    }
    if telling.has_result and telling.dials.on("result top"):
        return {
            "taskId": record["taskId"],
            "successFlag": 1,
            "resultImageUrl": _pictures(telling)["resultImageUrl"],
        }
    return record


def _pictures(telling: Telling) -> Record:
    return {"originImageUrl": telling.link(0), "resultImageUrl": telling.link(1)}


def _webhook(telling: Telling) -> Record:
    task_id = telling.task.wire_id
    nothing = {"originImageUrl": "", "resultImageUrl": ""}
    if telling.failure:
        code = failure_code(telling, (400, 500, 501), 501)
        data = {"taskId": task_id, "info": nothing}
        return {"code": code, "msg": telling.failure.message, "data": data}
    info = nothing if telling.is_empty else shaped(telling, _pictures(telling))
    data = {"taskId": task_id, "info": encoded(telling, info)}
    return {"code": 200, "msg": "BFL image generated successfully.", "data": data}


FAMILY = Family(NAME, _routes, _record, _webhook)
