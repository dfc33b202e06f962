"""4o Image: `/api/v1/gpt4o-image/...`; its flag can stay behind for ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dev.kie.families.flat import (
    FLAGS,
    Creation,
    FlatFamily,
    ended_at,
    failure_of,
    milliseconds,
    param,
)
from dev.kie.tasks import Stage

if TYPE_CHECKING:
    from dev.kie.tasks import Task

_WORDS = {
    Stage.WAITING: "GENERATING",
    Stage.GENERATING: "GENERATING",
    Stage.SUCCEEDED: "SUCCESS",
    Stage.FAILED: "GENERATE_FAILED",
}


class _Writer:
    def record(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        succeeded = stage is Stage.SUCCEEDED
        shown: Any = {"resultUrls": links} if succeeded else None
        if succeeded and task.dials.result_fault == "snake":
            shown = json.dumps({"result_urls": links})
        if succeeded and task.dials.result_fault == "null":
            shown = {"resultUrls": None}
        record = {
            "taskId": task.task_id,
            "paramJson": param(task),
            "completeTime": milliseconds(ended_at(task, stage)),
            "response": shown,
            "successFlag": FLAGS[stage],
            "status": _WORDS[stage],
            "errorCode": code,
            "errorMessage": words,
            "createTime": milliseconds(task.created_at),
            "progress": "1.00" if succeeded else "0.36",
        }
        if succeeded and task.dials.flag_stuck:
            record |= {
                "successFlag": 0,
                "status": "GENERATING",
                "response": {"resultUrls": None},
            }
        return record

    def webhook(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        if code is not None:
            return {"code": code, "msg": words, "data": {"taskId": task.task_id, "info": None}}
        info = {"result_urls": links}
        return {"code": 200, "msg": "success", "data": {"taskId": task.task_id, "info": info}}

    def progress(self, task: Task, links: list[str]) -> list[tuple[float, dict[str, Any]]]:
        del task, links
        return []


FAMILY = FlatFamily(
    "gpt4o",
    (Creation("/api/v1/gpt4o-image/generate", "gpt4o-image", "image", 6, required=("size",)),),
    ("/api/v1/gpt4o-image/record-info",),
    _Writer(),
)
