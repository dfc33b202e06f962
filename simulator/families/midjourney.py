"""Midjourney: `/api/v1/mj/...`, gone from Kie.ai's documentation; its results are objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.account import Order, results_wanted
from simulator.exchange import Question, usual_routes
from simulator.families.family import Family
from simulator.inputs import POLITE, checked
from simulator.shapes import error, response, shaped
from simulator.webhook_bodies import failure_code

if TYPE_CHECKING:
    from flask import Blueprint

    from simulator.service import Service
    from simulator.snapshot import Snapshot

    type Record = dict[str, Any]

NAME = "midjourney"
_TYPES = "mj_txt2img|mj_img2img|mj_style_reference|mj_omni_reference|mj_video|mj_video_hd"
_FIELDS = (
    f"taskType=({_TYPES})! prompt=text:1-2000! fileUrl=link fileUrls=links speed=text "
    "aspectRatio=text version=text variety=int stylization=int weirdness=int ow=int "
    "waterMark=text enableTranslation=flag"
)
_CREDITS = 8.0
_NEEDS_FILE = ("mj_img2img", "mj_style_reference", "mj_omni_reference", "mj_video", "mj_video_hd")


def _routes(service: Service) -> Blueprint:
    return usual_routes(service, "/api/v1/mj", _order, Question(NAME, _record))


def _order(body: Record) -> Order:
    given = checked(body, _FIELDS, POLITE)
    kind = given["taskType"]
    if kind in _NEEDS_FILE and not given.get("fileUrl") and not given.get("fileUrls"):
        raise POLITE.missing("fileUrl")
    ending = "mp4" if kind.startswith("mj_video") else "jpg"
    files = (ending,) * results_wanted(given, 4)
    return Order(NAME, kind, "midjourney", given, files, _CREDITS)


def _record(snapshot: Snapshot) -> Record:
    return {
        "taskId": snapshot.task.wire_id,
        "taskType": snapshot.task.operation,
        "paramJson": snapshot.request_text(),
        "completeTime": snapshot.completed("string"),
        "resultInfoJson": response(snapshot, lambda: {"resultUrls": _objects(snapshot)}),
        "successFlag": snapshot.flag,
        **error(snapshot),
        "createTime": snapshot.created("string"),
    }


def _objects(snapshot: Snapshot) -> list[Record]:
    return [{"resultUrl": link} for link in snapshot.links()]


def _webhook(snapshot: Snapshot) -> Record:
    ids = {"taskId": snapshot.task.wire_id, "promptJson": snapshot.request_text()}
    if snapshot.failure:
        code = failure_code(snapshot, (400, 422, 500, 501), 500)
        return {"code": code, "msg": snapshot.failure.message, "data": ids}
    links = {} if snapshot.is_empty else shaped(snapshot, {"resultUrls": snapshot.links()})
    return {"code": 200, "msg": "success", "data": {**ids, **links}}


FAMILY = Family(NAME, _routes, _record, _webhook)
