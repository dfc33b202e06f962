"""Veo 3.1: `/api/v1/veo/...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from dev.kie.exchange import Question, ask, create
from dev.kie.families.family import Family
from dev.kie.families.veo import upgrades
from dev.kie.families.veo.orders import EXTEND, HD, NAME, UHD, extend, generate
from dev.kie.letters import failure_code
from dev.kie.shapes import encoded, error, response, shaped
from dev.kie.telling import json_text

if TYPE_CHECKING:
    from flask import Response

    from dev.kie.service import Service
    from dev.kie.telling import Telling

    type Record = dict[str, Any]


def _routes(service: Service) -> Blueprint:
    routes = Blueprint(NAME, __name__, url_prefix="/api/v1/veo")
    question = Question(NAME, _record, unknown=(200, "success"))
    upgrades.add_routes(routes, service)

    @routes.post("/generate")
    def make() -> Response:
        return create(service, generate, _record)

    @routes.post("/extend")
    def make_longer() -> Response:
        return create(service, lambda body: extend(service, body), _record)

    @routes.get("/record-info")
    def record_info() -> Response:
        return ask(service, question)

    return routes


def _record(telling: Telling) -> Record:
    is_live = telling.dials.word("fields") == "live"
    if telling.has_result and telling.dials.on("result top"):
        links = json_text(_films(telling)["resultUrls"])
        return {"taskId": telling.task.wire_id, "successFlag": 1, "resultUrls": links}
    return {
        "taskId": telling.task.wire_id,
        "paramJson": telling.request_text(),
        "completeTime": telling.completed("ms" if is_live else "string"),
        "response": response(telling, lambda: _live(telling) if is_live else _documented(telling)),
        "successFlag": telling.flag,
        **error(telling, message=None if is_live else ""),
        "createTime": telling.created("ms" if is_live else "string"),
        "fallbackFlag": telling.dials.on("fallback"),
    }


def _any_record(telling: Telling) -> Record:
    """Write a record for the history, which lists upgrades, too."""
    if telling.task.operation in {HD, UHD}:
        links = telling.links("mp4") if telling.has_result else None
        return {"response": {"taskId": telling.task.wire_id, "resultUrls": links}}
    return _record(telling)


def _films(telling: Telling) -> Record:
    """Name the film, what came from the model, and the whole of an extended film."""
    first, *second = telling.links()
    is_longer = telling.task.operation == EXTEND
    return {
        "resultUrls": [first],
        "originUrls": second if second and not is_longer else None,
        "fullResultUrls": second if is_longer else None,
    }


def _documented(telling: Telling) -> Record:
    films = _films(telling)
    return {"taskId": telling.task.wire_id, **films, "resolution": _resolution(telling)}


def _live(telling: Telling) -> Record:
    films = _films(telling)
    return {
        "taskId": telling.task.wire_id,
        "resultUrls": films["resultUrls"],
        "full_result_urls": films["fullResultUrls"],
        "hasAudioList": [True],
        "seeds": [telling.task.input.get("seeds") or 12345],
        "resolution": _resolution(telling),
    }


def _resolution(telling: Telling) -> str:
    return str(telling.task.input.get("resolution") or "720p")


def _webhook(telling: Telling) -> Record:
    task, flag = telling.task, {"fallbackFlag": telling.dials.on("fallback")}
    if task.operation == UHD:
        return upgrades.webhook(telling)
    if telling.failure:
        code = failure_code(telling, (400, 422, 500, 501), 500)
        data = {"taskId": task.wire_id, **flag}
        return {"code": code, "msg": telling.failure.message, "data": data}
    films = {key: links for key, links in _films(telling).items() if links}
    info = (
        None if telling.is_empty else shaped(telling, films | {"resolution": _resolution(telling)})
    )
    data = {
        "taskId": task.wire_id,
        "promptJson": telling.request_text(with_url=True),
        "info": encoded(telling, info),
        **flag,
    }
    return {"code": 200, "msg": "Veo3.1 video generated successfully.", "data": data}


FAMILY = Family(NAME, _routes, _any_record, _webhook)
