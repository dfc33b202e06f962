"""Midjourney: `/api/v1/mj/...`, gone from Kie.ai's documentation; its results are objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.kie.account import Order, results_wanted
from dev.kie.exchange import Question, usual_routes
from dev.kie.families.family import Family
from dev.kie.inputs import POLITE, checked
from dev.kie.letters import failure_code
from dev.kie.shapes import error, response, shaped

if TYPE_CHECKING:
    from flask import Blueprint

    from dev.kie.service import Service
    from dev.kie.telling import Telling

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


def _record(telling: Telling) -> Record:
    return {
        "taskId": telling.task.wire_id,
        "taskType": telling.task.operation,
        "paramJson": telling.request_text(),
        "completeTime": telling.completed("string"),
        "resultInfoJson": response(telling, lambda: {"resultUrls": _objects(telling)}),
        "successFlag": telling.flag,
        **error(telling),
        "createTime": telling.created("string"),
    }


def _objects(telling: Telling) -> list[Record]:
    return [{"resultUrl": link} for link in telling.links()]


def _webhook(telling: Telling) -> Record:
    ids = {"taskId": telling.task.wire_id, "promptJson": telling.request_text()}
    if telling.failure:
        code = failure_code(telling, (400, 422, 500, 501), 500)
        return {"code": code, "msg": telling.failure.message, "data": ids}
    links = {} if telling.is_empty else shaped(telling, {"resultUrls": telling.links()})
    return {"code": 200, "msg": "success", "data": {**ids, **links}}


FAMILY = Family(NAME, _routes, _record, _webhook)
