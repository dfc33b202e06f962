"""History pages as Kie.ai's dashboard reads them: undocumented, and closed to API keys."""

from __future__ import annotations

import hmac
import json
import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request

from dev.kie.answers import envelope, json_body
from dev.kie.tasks import Stage

if TYPE_CHECKING:
    from flask import Response

    from dev.kie.service import Service
    from dev.kie.tasks import Task

PAGE_SIZE = 10
_FAMILIES = {
    "gpt4o-image": "gpt4o",
    "flux-kontext-record": "flux_kontext",
    "veo-record": "veo",
    "runway-record": "runway",
    "aleph": "aleph",
    "suno-record": "suno",
}


def routes(service: Service) -> Blueprint:
    """Make the routes."""
    history = Blueprint("history", __name__)

    @history.post("/client/v1/userRecord/<kind>/page")
    def user_record(kind: str) -> Response:
        return _page(service, lambda task: task.family == _FAMILIES.get(kind), _record)

    @history.post("/api/v1/playground/pageRecordListByDoris")
    def doris() -> Response:
        return _page(service, lambda task: task.family == "market", _market_record)

    return history


def _page(service: Service, wanted: Any, write: Any) -> Response:
    token = request.headers.get("Authorization", "")
    if not hmac.compare_digest(token.encode(), service.settings.history_token.encode()):
        return envelope(401, "You do not have access permissions")
    body = json_body()
    number = max(int(body.get("pageNum") or 1), 1)
    size = min(int(body.get("pageSize") or PAGE_SIZE), PAGE_SIZE)
    tasks = [task for task in reversed(service.tasks.all()) if wanted(task)]
    shown = tasks[(number - 1) * size : number * size]
    records = [write(service, task) for task in shown]
    pages = -(-len(tasks) // size)
    data = {"records": records, "total": len(tasks), "size": size, "current": number}
    return envelope(200, "success", {**data, "pages": pages})


def _record(service: Service, task: Task) -> dict[str, Any]:
    succeeded = task.stage(time.time()) is Stage.SUCCEEDED
    result = json.dumps({"data": {"result_urls": service.links(task)}})
    return {
        "taskId": task.task_id,
        "userId": 100001,
        "successFlag": 1 if succeeded else 0,
        "resultJson": result if succeeded else None,
        "completeTime": int(task.completed_at * 1000) if task.completed_at else None,
        "createTime": int(task.created_at * 1000),
    }


def _market_record(service: Service, task: Task) -> dict[str, Any]:
    return {
        "taskId": task.task_id,
        "consumeCredits": task.credits,
        "remainedCredits": service.account.balance(),
        "model": task.model,
        "state": task.stage(time.time()).value,
        "param": task.input_json,
        "createTime": int(task.created_at * 1000),
        "completeTime": int(task.completed_at * 1000) if task.completed_at else None,
    }
