"""4o Image: `/api/v1/gpt4o-image/...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.kie.account import Order, results_wanted
from dev.kie.answers import envelope, json_body
from dev.kie.download import fresh_link, names_file_of
from dev.kie.exchange import Question, usual_routes
from dev.kie.families.family import Family
from dev.kie.inputs import POLITE, checked
from dev.kie.letters import failure_code
from dev.kie.refusals import RefusedError
from dev.kie.shapes import encoded, error, response, shaped

if TYPE_CHECKING:
    from flask import Blueprint, Response

    from dev.kie.service import Service
    from dev.kie.telling import Telling

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


def _record(telling: Telling) -> Record:
    return {
        "taskId": telling.task.wire_id,
        "paramJson": telling.request_text(),
        "completeTime": telling.completed("ms"),
        "response": response(telling, lambda: {"resultUrls": telling.links()}),
        "successFlag": telling.flag,
        "status": telling.state_of(_STATUSES[telling.flag]),
        **error(telling),
        "createTime": telling.created("ms"),
        "progress": f"{telling.progress:.2f}",
    }


def _webhook(telling: Telling) -> Record:
    task_id = telling.task.wire_id
    if telling.failure:
        code = failure_code(telling, (400, 451, 500), 500)
        return _body(code, telling.failure.message, {"taskId": task_id, "info": None})
    links = None if telling.is_empty else shaped(telling, {"result_urls": telling.links()})
    return _body(200, "success", {"taskId": task_id, "info": encoded(telling, links)})


def _body(code: int, message: str, data: Record) -> Record:
    return {"code": code, "msg": message, "data": data}


FAMILY = Family(NAME, _routes, _record, _webhook)
