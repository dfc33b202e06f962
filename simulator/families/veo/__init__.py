"""Veo 3.1: `/api/v1/veo/...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from simulator.exchange import Question, ask, create
from simulator.families.family import Family
from simulator.families.veo import upgrades
from simulator.families.veo.orders import EXTEND, HD, NAME, UHD, extend, generate
from simulator.shapes import encoded, error, response, shaped
from simulator.snapshot import json_text
from simulator.webhook_bodies import failure_code

if TYPE_CHECKING:
    from flask import Response

    from simulator.service import Service
    from simulator.snapshot import Snapshot

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


def _record(snapshot: Snapshot) -> Record:
    is_live = snapshot.dials.word("fields") == "live"
    if snapshot.has_result and snapshot.dials.on("result top"):
        links = json_text(_films(snapshot)["resultUrls"])
        return {"taskId": snapshot.task.wire_id, "successFlag": 1, "resultUrls": links}
    return {
        "taskId": snapshot.task.wire_id,
        "paramJson": snapshot.request_text(),
        "completeTime": snapshot.completed("ms" if is_live else "string"),
        "response": response(
            snapshot, lambda: _live(snapshot) if is_live else _documented(snapshot)
        ),
        "successFlag": snapshot.flag,
        **error(snapshot, message=None if is_live else ""),
        "createTime": snapshot.created("ms" if is_live else "string"),
        "fallbackFlag": snapshot.dials.on("fallback"),
    }


def _any_record(snapshot: Snapshot) -> Record:
    """Write a record for the history, which lists upgrades, too."""
    if snapshot.task.operation in {HD, UHD}:
        links = snapshot.links("mp4") if snapshot.has_result else None
        return {"response": {"taskId": snapshot.task.wire_id, "resultUrls": links}}
    return _record(snapshot)


def _films(snapshot: Snapshot) -> Record:
    """Return the film, what came from the model, and the whole of an extended film."""
    first, *second = snapshot.links()
    is_longer = snapshot.task.operation == EXTEND
    return {
        "resultUrls": [first],
        "originUrls": second if second and not is_longer else None,
        "fullResultUrls": second if is_longer else None,
    }


def _documented(snapshot: Snapshot) -> Record:
    films = _films(snapshot)
    return {"taskId": snapshot.task.wire_id, **films, "resolution": _resolution(snapshot)}


def _live(snapshot: Snapshot) -> Record:
    films = _films(snapshot)
    return {
        "taskId": snapshot.task.wire_id,
        "resultUrls": films["resultUrls"],
        "full_result_urls": films["fullResultUrls"],
        "hasAudioList": [True],
        "seeds": [snapshot.task.input.get("seeds") or 12345],
        "resolution": _resolution(snapshot),
    }


def _resolution(snapshot: Snapshot) -> str:
    return str(snapshot.task.input.get("resolution") or "720p")


def _webhook(snapshot: Snapshot) -> Record:
    task, flag = snapshot.task, {"fallbackFlag": snapshot.dials.on("fallback")}
    if task.operation == UHD:
        return upgrades.webhook(snapshot)
    if snapshot.failure:
        code = failure_code(snapshot, (400, 422, 500, 501), 500)
        data = {"taskId": task.wire_id, **flag}
        return {"code": code, "msg": snapshot.failure.message, "data": data}
    films = {key: links for key, links in _films(snapshot).items() if links}
    info = (
        None
        if snapshot.is_empty
        else shaped(snapshot, films | {"resolution": _resolution(snapshot)})
    )
    data = {
        "taskId": task.wire_id,
        "promptJson": snapshot.request_text(with_url=True),
        "info": encoded(snapshot, info),
        **flag,
    }
    return {"code": 200, "msg": "Veo3.1 video generated successfully.", "data": data}


FAMILY = Family(NAME, _routes, _any_record, _webhook)
