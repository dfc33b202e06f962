"""Flux Kontext: `/api/v1/flux/kontext/...`."""

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


def _record(snapshot: Snapshot) -> Record:
    record = {
        "taskId": snapshot.task.wire_id,
        "paramJson": snapshot.request_text(),
        "completeTime": snapshot.completed("iso"),
        "response": response(snapshot, lambda: _pictures(snapshot)),
        "successFlag": snapshot.flag,
        **error(snapshot),
        "createTime": snapshot.created("iso"),
    }
    if snapshot.has_result and snapshot.dials.on("result top"):
        return {
            "taskId": record["taskId"],
            "successFlag": 1,
            "resultImageUrl": _pictures(snapshot)["resultImageUrl"],
        }
    return record


def _pictures(snapshot: Snapshot) -> Record:
    return {"originImageUrl": snapshot.link(0), "resultImageUrl": snapshot.link(1)}


def _webhook(snapshot: Snapshot) -> Record:
    task_id = snapshot.task.wire_id
    nothing = {"originImageUrl": "", "resultImageUrl": ""}
    if snapshot.failure:
        code = failure_code(snapshot, (400, 500, 501), 501)
        data = {"taskId": task_id, "info": nothing}
        return {"code": code, "msg": snapshot.failure.message, "data": data}
    info = nothing if snapshot.is_empty else shaped(snapshot, _pictures(snapshot))
    data = {"taskId": task_id, "info": encoded(snapshot, info)}
    return {"code": 200, "msg": "BFL image generated successfully.", "data": data}


FAMILY = Family(NAME, _routes, _record, _webhook)
