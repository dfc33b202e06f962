"""4o Image: `/api/v1/gpt4o-image/...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.account import Order, results_wanted
from simulator.answers import envelope, json_body
from simulator.download import fresh_link, names_file_of
from simulator.exchange import Question, usual_routes
from simulator.families.family import Family
from simulator.inputs import POLITE, checked
from simulator.refusals import RefusedError
from simulator.shapes import encoded, error, response, shaped
from simulator.webhook_bodies import failure_code

if TYPE_CHECKING:
    from flask import Blueprint, Response

    from simulator.service import Service
    from simulator.snapshot import Snapshot

    type Record = dict[str, Any]

NAME = "gpt4o"
_FIELDS = (
    "size=(1:1|3:2|2:3)! prompt=text filesUrl=links:0-5 fileUrl=link maskUrl=link isEnhance=flag "
    "uploadCn=flag nVariants=int(1|2|4) enableFallback=flag fallbackModel=(GPT_IMAGE_1|FLUX_MAX)"
)
_CREDITS = 6.0
_STATUSES = {0: "GENERATING", 1: "SUCCESS", 2: "CREATE_TASK_FAILED", 3: "GENERATE_FAILED"}


def _routes(service: Service) -> Blueprint:
    routes = usual_routes(service, "/api/v1/gpt4o-image", _order, Question(NAME, _record))

    @routes.post("/download-url")
    def download_url() -> Response:
        body = json_body()
        task = service.tasks.get(str(body.get("taskId") or ""))
        if task is None or task.family != NAME:
            return envelope(422, "record is null")
        url = str(body.get("url") or "")
        if not names_file_of(service, task, url):
            return envelope(422, "url is wrong")
        return envelope(200, "success", fresh_link(service, url))

    return routes


def _order(body: Record) -> Order:
    given = checked(body, _FIELDS, POLITE)
    if not given.get("prompt") and not given.get("filesUrl") and not given.get("fileUrl"):
        raise RefusedError(422, "Please enter prompt or filesUrl.")
    count = results_wanted(given, int(given.get("nVariants") or 1))
    return Order(NAME, "generate", "", given, ("png",) * count, _CREDITS * count)


def _record(snapshot: Snapshot) -> Record:
    return {
        "taskId": snapshot.task.wire_id,
        "paramJson": snapshot.request_text(),
        "completeTime": snapshot.completed("ms"),
        "response": response(snapshot, lambda: {"resultUrls": snapshot.links()}),
        "successFlag": snapshot.flag,
        "status": snapshot.state_of(_STATUSES[snapshot.flag]),
        **error(snapshot),
        "createTime": snapshot.created("ms"),
        "progress": f"{snapshot.progress:.2f}",
    }


def _webhook(snapshot: Snapshot) -> Record:
    task_id = snapshot.task.wire_id
    if snapshot.failure:
        code = failure_code(snapshot, (400, 451, 500), 500)
        return _body(code, snapshot.failure.message, {"taskId": task_id, "info": None})
    links = None if snapshot.is_empty else shaped(snapshot, {"result_urls": snapshot.links()})
    return _body(200, "success", {"taskId": task_id, "info": encoded(snapshot, links)})


def _body(code: int, message: str, data: Record) -> Record:
    return {"code": code, "msg": message, "data": data}


FAMILY = Family(NAME, _routes, _record, _webhook)
