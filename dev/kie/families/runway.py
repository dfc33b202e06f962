"""Runway: `/api/v1/runway/...`; it has words for its states."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from flask import Blueprint

from dev.kie.account import Order
from dev.kie.exchange import Question, ask, create
from dev.kie.families.family import Family
from dev.kie.inputs import POLITE, checked
from dev.kie.letters import failure_code
from dev.kie.refusals import RefusedError
from dev.kie.retention import MEDIA_SECONDS
from dev.kie.shapes import encoded, response, shaped
from dev.kie.tasks import Stage

if TYPE_CHECKING:
    from flask import Response

    from dev.kie.service import Service
    from dev.kie.telling import Telling

    type Record = dict[str, Any]

NAME = "runway"
_GENERATE_FIELDS = (
    "prompt=text:1-1800! duration=int(5|10)! quality=(720p|1080p)! imageUrl=link "
    "aspectRatio=(16:9|9:16|1:1|4:3|3:4) waterMark=text"
)
_EXTEND_FIELDS = "taskId=text! prompt=text:1-1800! quality=(720p|1080p)! waterMark=text"
_WORDS = {
    Stage.WAITING: "wait",
    Stage.GENERATING: "generating",
    Stage.SUCCEEDED: "success",
    Stage.FAILED: "fail",
}


def _routes(service: Service) -> Blueprint:
    routes = Blueprint(NAME, __name__, url_prefix="/api/v1/runway")
    question = Question(NAME, _record, unknown=(200, "success"))

    @routes.post("/generate")
    def generate() -> Response:
        return create(service, _generate, _record)

    @routes.post("/extend")
    def extend() -> Response:
        return create(service, _extend, _record)

    @routes.get("/record-detail")
    def record_detail() -> Response:
        return ask(service, question)

    return routes


def _generate(body: Record) -> Order:
    given = checked(body, _GENERATE_FIELDS, POLITE)
    is_long, is_large = given["duration"] == 10, given["quality"] == "1080p"
    if is_long and is_large:
        raise RefusedError(422, "A video of 10 seconds cannot have 1080p.")
    if not given.get("imageUrl") and not given.get("aspectRatio"):
        raise POLITE.missing("aspectRatio")
    cost = 30.0 if is_long or is_large else 12.0
    return Order(NAME, "generate", "runway", given, ("mp4", "png"), cost, id_style="uuid")


def _extend(body: Record) -> Order:
    given = checked(body, _EXTEND_FIELDS, POLITE)
    files, parent = ("mp4", "png"), given["taskId"]
    return Order(NAME, "extend", "runway", given, files, 12.0, parent=parent, id_style="uuid")


def _record(telling: Telling) -> Record:
    task, failure = telling.task, telling.failure
    asked = {"imageUrl": "", **task.input, "expandPrompt": True}
    parent = str(asked.pop("taskId", ""))
    return {
        "taskId": task.wire_id,
        "parentTaskId": parent,
        "generateParam": asked,
        "state": telling.state(_WORDS).replace("queuing", "queueing"),
        "generateTime": telling.completed("string") if telling.has_succeeded else "",
        "videoInfo": response(telling, lambda: _video(telling)),
        "failCode": (failure.number if failure else 0) or 0,
        "failMsg": failure.message if failure else "",
        "expireFlag": int(_is_expired(telling)),
    }


def _is_expired(telling: Telling) -> bool:
    completed_at = telling.task.completed_at
    return completed_at is not None and time.time() > completed_at + MEDIA_SECONDS


def _video(telling: Telling) -> Record:
    return {
        "videoId": _video_id(telling),
        "taskId": telling.task.wire_id,
        "videoUrl": telling.link(0),
        "imageUrl": telling.link(1),
    }


def _video_id(telling: Telling) -> str:
    return str(uuid5(NAMESPACE_OID, telling.task.task_id))


def _webhook(telling: Telling) -> Record:
    ids = {"task_id": telling.task.wire_id}
    if telling.failure:
        code = failure_code(telling, (400, 500), 500)
        nothing = {"video_id": "", "video_url": "", "image_url": ""}
        rest = {} if telling.task.operation == "extend" else nothing
        return {"code": code, "msg": telling.failure.message, "data": {**ids, **rest}}
    files = {"video_url": telling.link(0), "image_url": telling.link(1)}
    found = {} if telling.is_empty else encoded(telling, shaped(telling, files))
    # A result as text cannot lie beside the ids.
    rest = found if isinstance(found, dict) else {"result": found}
    data = {**ids, "video_id": _video_id(telling), **rest}
    return {"code": 200, "msg": "All generated successfully.", "data": data}


FAMILY = Family(NAME, _routes, _record, _webhook)
