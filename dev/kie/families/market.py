"""The Market API: `/api/v1/jobs/createTask` and `/api/v1/jobs/recordInfo`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request

from dev.kie.account import Order, RefusedError
from dev.kie.answers import created, envelope, json_body
from dev.kie.models import models
from dev.kie.tasks import Stage

if TYPE_CHECKING:
    from flask import Response

    from dev.kie.models import Model
    from dev.kie.service import Service
    from dev.kie.tasks import Task

NAME = "market"
_SUCCESS_FLAGS = {Stage.WAITING: 0, Stage.GENERATING: 0, Stage.SUCCEEDED: 1, Stage.FAILED: 3}


def routes(service: Service) -> Blueprint:
    """Make the routes."""
    market = Blueprint(NAME, __name__, url_prefix="/api/v1/jobs")

    @market.post("/createTask")
    def create_task() -> Response:
        body = json_body()
        task = service.create(body, lambda: _order(body))
        data: dict[str, Any] = {"taskId": task.task_id, "recordId": task.task_id}
        if task.dials.immediate:
            data |= _record(task, Stage.SUCCEEDED, service.links(task))
        return created(task, data)

    @market.get("/recordInfo")
    def record_info() -> Response:
        return _record_info(service, request.args.get("taskId", ""), time.time())

    return market


def webhook_body(task: Task, links: list[str]) -> dict[str, Any]:
    """Write the one webhook of a task that has ended."""
    stage = task.stage(time.time())
    facts = {
        "taskId": task.task_id,
        "model": task.model,
        "state": stage.value,
        "param": _param(task),
        "resultJson": _result_json(task, links) if stage is Stage.SUCCEEDED else None,
        **_ending(task, stage),
        "updateTime": _milliseconds(task.completed_at),
        "creditsConsumed": _credits(task, stage),
    }
    if stage is Stage.SUCCEEDED:
        return {"code": 200, "msg": "Playground task completed successfully.", "data": facts}
    return {"code": 501, "msg": "Playground task failed.", "data": facts}


def progress_bodies(task: Task, links: list[str]) -> list[tuple[float, dict[str, Any]]]:
    """Say nothing on the way: the Market has one webhook."""
    del task, links
    return []


def _order(body: dict[str, Any]) -> Order:
    """
    Check a request as Kie.ai does: code 422 for the model, 500 for its input.

    Raises:
        RefusedError: Something is missing or too long.

    """
    model = models().get(str(body.get("model") or ""))
    if model is None:
        raise RefusedError(422, "The model name you specified is not supported.")
    given = body.get("input")
    if not isinstance(given, dict):
        raise RefusedError(500, "This field is required")
    _check_text(model, given)
    return Order(NAME, model.name, model.kind, given, model.result_count(given), model.cost(given))


def _check_text(model: Model, given: dict[str, Any]) -> None:
    text = given.get(model.required_text or "prompt")
    if model.required_text and (not isinstance(text, str) or not text.strip()):
        raise RefusedError(500, "This field is required")
    if isinstance(text, str) and len(text) > model.longest_text:
        raise RefusedError(500, f"The text length cannot exceed {model.longest_text} characters")


def _record_info(service: Service, task_id: str, now: float) -> Response:
    if not task_id:
        return envelope(400, "taskId is required")
    task = service.poll(NAME, task_id, now=now)
    if task is None:
        return envelope(422, "recordInfo is null")
    return envelope(200, "success", _record(task, task.stage_told(now), service.links(task)))


def _record(task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
    """Write the fields of September 2026, in their order."""
    has_succeeded = stage is Stage.SUCCEEDED
    response = {"response": {"resultUrls": _links_shown(task, links)}} if has_succeeded else {}
    if task.dials.result_fault in {"empty", "objects", "string", "object"}:
        response = {}
    return {
        "taskId": task.task_id,
        "model": task.model,
        "state": _state(task, stage),
        "param": _param(task),
        "resultJson": _result_json(task, links) if has_succeeded else "",
        **_ending(task, stage),
        "creditsConsumed": _credits(task, stage),
        "operationType": task.model,
        **response,
        "successFlag": _SUCCESS_FLAGS[stage],
        "paramJson": _param(task),
    }


def _ending(task: Task, stage: Stage) -> dict[str, Any]:
    """Say how and when it ended; all is null while it runs, but the time of its creation."""
    failure = task.dials.failure if stage is Stage.FAILED else None
    completed_at = task.completed_at if stage in {Stage.SUCCEEDED, Stage.FAILED} else None
    seconds = int(completed_at - task.created_at) if completed_at else None
    return {
        "failCode": failure.code if failure else None,
        "failMsg": failure.message if failure else None,
        "costTime": 0 if failure else seconds,
        "completeTime": _milliseconds(completed_at),
        "createTime": _milliseconds(task.created_at),
    }


def _param(task: Task) -> str:
    """Repeat the request; the input in it is encoded once more."""
    request_made = {"input": task.input_json, "callBackUrl": task.callback_url, "model": task.model}
    return _json({name: value for name, value in request_made.items() if value})


def _result_json(task: Task, links: list[str]) -> str | dict[str, Any]:
    result = _json({"resultUrls": _links_shown(task, links)})
    match task.dials.result_fault:
        case "double":
            return _json(result)
        case "empty":
            return ""
        case "object":
            return {"resultUrls": links}
        case "snake":
            return _json({"result_urls": links})
        case _:
            return result


def _state(task: Task, stage: Stage) -> str:
    """Say the state, in another word if a dial asks for it."""
    if stage is Stage.SUCCEEDED and task.dials.state_word:
        return task.dials.state_word
    return stage.value


def _links_shown(task: Task, links: list[str]) -> Any:
    match task.dials.result_fault:
        case "null":
            return None
        case "objects":
            return [{"resultUrl": link} for link in links]
        case "string":
            return links[0]
        case _:
            return links


def _credits(task: Task, stage: Stage) -> float:
    return 0 if stage is Stage.FAILED else task.credits


def _milliseconds(at: float | None) -> int | None:
    return None if at is None else int(at * 1000)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
