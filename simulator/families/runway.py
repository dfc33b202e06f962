"""Runway: `/api/v1/runway/...`; it has words for its states."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from flask import Blueprint

from simulator.account import Order
from simulator.exchange import Question, ask, create
from simulator.families.family import Family
from simulator.inputs import POLITE, checked
from simulator.refusals import RefusedError
from simulator.retention import MEDIA_SECONDS
from simulator.shapes import encoded, response, shaped
from simulator.tasks import Stage
from simulator.webhook_bodies import failure_code

if TYPE_CHECKING:
    from flask import Response

    from simulator.service import Service
    from simulator.snapshot import Snapshot

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


def _record(snapshot: Snapshot) -> Record:
    task, failure = snapshot.task, snapshot.failure
    asked = {"imageUrl": "", **task.input, "expandPrompt": True}
    parent = str(asked.pop("taskId", ""))
    return {
        "taskId": task.wire_id,
        "parentTaskId": parent,
        "generateParam": asked,
        "state": snapshot.state(_WORDS).replace("queuing", "queueing"),
        "generateTime": snapshot.completed("string") if snapshot.has_succeeded else "",
        "videoInfo": response(snapshot, lambda: _video(snapshot)),
        "failCode": (failure.number if failure else 0) or 0,
        "failMsg": failure.message if failure else "",
        "expireFlag": int(_is_expired(snapshot)),
    }


def _is_expired(snapshot: Snapshot) -> bool:
    completed_at = snapshot.task.completed_at
    return completed_at is not None and time.time() > completed_at + MEDIA_SECONDS


def _video(snapshot: Snapshot) -> Record:
    return {
        "videoId": _video_id(snapshot),
        "taskId": snapshot.task.wire_id,
        "videoUrl": snapshot.link(0),
        "imageUrl": snapshot.link(1),
    }


def _video_id(snapshot: Snapshot) -> str:
    return str(uuid5(NAMESPACE_OID, snapshot.task.task_id))


def _webhook(snapshot: Snapshot) -> Record:
    ids = {"task_id": snapshot.task.wire_id}
    if snapshot.failure:
        code = failure_code(snapshot, (400, 500), 500)
        nothing = {"video_id": "", "video_url": "", "image_url": ""}
        rest = {} if snapshot.task.operation == "extend" else nothing
        return {"code": code, "msg": snapshot.failure.message, "data": {**ids, **rest}}
    files = {"video_url": snapshot.link(0), "image_url": snapshot.link(1)}
    found = {} if snapshot.is_empty else encoded(snapshot, shaped(snapshot, files))
    # A result as text cannot lie beside the ids.
    rest = found if isinstance(found, dict) else {"result": found}
    data = {**ids, "video_id": _video_id(snapshot), **rest}
    return {"code": 200, "msg": "All generated successfully.", "data": data}


FAMILY = Family(NAME, _routes, _record, _webhook)
