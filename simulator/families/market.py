"""The Market API: `/api/v1/jobs/createTask` and `/api/v1/jobs/recordInfo`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, request

from simulator.answers import envelope
from simulator.exchange import Question, ask, create
from simulator.families.family import Family
from simulator.families.market_orders import NAME, order
from simulator.families.market_results import result
from simulator.shapes import encoded, shaped
from simulator.snapshot import json_text
from simulator.tasks import Stage

if TYPE_CHECKING:
    from flask import Response

    from simulator.service import Service
    from simulator.snapshot import Snapshot

    type Record = dict[str, Any]

_WORDS = {stage: stage.value for stage in Stage}
_SHAPES = ("result encoding", "result links", "result key", "result snake", "result nested")


def _routes(service: Service) -> Blueprint:
    routes = Blueprint(NAME, __name__, url_prefix="/api/v1")
    question = Question(
        NAME,
        _record,
        unknown=(422, "recordInfo is null"),
        nameless=(400, "taskId is required"),
    )

    @routes.post("/jobs/createTask")
    def create_task() -> Response:
        return create(service, lambda body: order(service, body), _record, names=True)

    @routes.get("/jobs/recordInfo")
    def record_info() -> Response:
        return _larger_film(service) or ask(service, question)

    @routes.get("/playground/recordInfo")
    def playground_record_info() -> Response:
        return ask(service, question)

    return routes


def _larger_film(service: Service) -> Response | None:
    """Answer as Veo's own endpoint does while a film is made larger, where a dial wants it."""
    task = service.tasks.get(request.args.get("taskId", ""))
    if task is None or not task.dials.on("upgrade 400") or task.model != "veo/get-1080p-video":
        return None
    if service.snapshot(task).has_succeeded:
        return None
    return envelope(400, "1080P is processing. It should be ready in 1-2 minutes.")


def _record(snapshot: Snapshot) -> Record:
    """Write the fields of September 2026 in their order, or those of another time."""
    facts = _facts(snapshot)
    fields = snapshot.dials.word("fields")
    if fields == "docs":
        return _as_documented(snapshot, facts)
    if fields == "april":
        return facts
    return {
        **facts,
        "creditsConsumed": _credits(snapshot),
        "operationType": snapshot.task.model,
        **_response(snapshot),
        "successFlag": snapshot.flag,
        "paramJson": _param(snapshot),
    }


def _facts(snapshot: Snapshot) -> Record:
    task = snapshot.task
    return {
        "taskId": task.wire_id,
        "model": task.model,
        "state": snapshot.state(_WORDS),
        "param": _param(snapshot),
        **_result_json(snapshot),
        **_ending(snapshot),
        "createTime": snapshot.created("ms"),
    }


def _ending(snapshot: Snapshot) -> Record:
    """Return how and when it ended; all is null while it runs."""
    failure, completed_at = snapshot.failure, snapshot.completed_at
    if failure and snapshot.dials.on("fail bare"):
        completed_at = None
    seconds = int(completed_at - snapshot.task.created_at) if completed_at else None
    return {
        "failCode": failure.code if failure else None,
        "failMsg": failure.message if failure else None,
        "costTime": 0 if failure and completed_at else seconds,
        "completeTime": snapshot.time(completed_at, "ms"),
    }


def _param(snapshot: Snapshot) -> str:
    """Repeat the request; the input in it is encoded once more."""
    task = snapshot.task
    made = {"input": task.input_json, "callBackUrl": task.callback_url, "model": task.model}
    return json_text({name: value for name, value in made.items() if value})


def _result_json(snapshot: Snapshot) -> Record:
    if snapshot.is_stuck:
        return {"resultJson": json_text({"resultUrls": None})}
    if snapshot.failure:
        word = "null" if snapshot.dials.on("fail bare") else snapshot.dials.word("fail result")
        shapes: dict[str, Record] = {
            "null": {"resultJson": None},
            "absent": {},
            "braces": {"resultJson": "{}"},
        }
        return shapes.get(word, {"resultJson": ""})
    if not snapshot.has_result:
        return {"resultJson": ""}
    return {"resultJson": encoded(snapshot, shaped(snapshot, result(snapshot)), "text")}


def _response(snapshot: Snapshot) -> Record:
    """Write the result once more, as since September 2026; not where its shape is the point."""
    is_odd = any(snapshot.dials.has(name) for name in _SHAPES)
    if not snapshot.has_result or is_odd:
        return {}
    found = result(snapshot)
    return {"response": found} if "resultUrls" in found else {}


def _credits(snapshot: Snapshot) -> float:
    return 0 if snapshot.failure else snapshot.task.credits


def _as_documented(snapshot: Snapshot, facts: Record) -> Record:
    """Write the example of the documentation, which differs from what is recorded."""
    task, cost = snapshot.task, facts["costTime"]
    asked = {"model": task.model, "callBackUrl": task.callback_url, "input": task.input}
    return {
        **facts,
        "param": json_text(asked),
        "failCode": facts["failCode"] or "",
        "failMsg": facts["failMsg"] or "",
        "costTime": None if cost is None else cost * 1000,
        "updateTime": facts["completeTime"],
        "creditsConsumed": _credits(snapshot),
    }


def _webhook(snapshot: Snapshot) -> Record:
    """Write the one webhook of a task that has ended."""
    facts = _facts(snapshot)
    if snapshot.failure:
        facts = _as_failed(snapshot, facts)
        return {"code": 501, "msg": "Playground task failed.", "data": facts}
    facts |= {"updateTime": facts["completeTime"], "creditsConsumed": _credits(snapshot)}
    return {"code": 200, "msg": "Playground task completed successfully.", "data": facts}


def _as_failed(snapshot: Snapshot, facts: Record) -> Record:
    if snapshot.dials.on("fail bare"):
        kept = ("taskId", "model", "state", "param", "failCode", "failMsg")
        return {key: facts[key] for key in kept}
    rest = {"updateTime": facts["completeTime"], "creditsConsumed": 0}
    result_json = {} if "resultJson" not in facts else {"resultJson": facts["resultJson"] or None}
    return {**facts, **result_json, **rest}


FAMILY = Family(NAME, _routes, _record, _webhook)
