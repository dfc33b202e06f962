"""Runway Aleph: `/api/v1/aleph/...`; its webhook names the task on top."""

from __future__ import annotations

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


class _Writer:
    def record(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        response = {
            "taskId": task.task_id,
            "resultVideoUrl": links[0],
            "resultImageUrl": f"{links[0]}.png",
        }
        return {
            "taskId": task.task_id,
            "paramJson": param(task),
            "response": response if stage is Stage.SUCCEEDED else None,
            "completeTime": milliseconds(ended_at(task, stage)),
            "createTime": milliseconds(task.created_at),
            "successFlag": FLAGS[stage],
            "errorCode": code or 0,
            "errorMessage": words,
        }

    def webhook(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        data = {"result_video_url": links[0], "result_image_url": f"{links[0]}.png"}
        return {
            "code": code or 200,
            "msg": words or "success",
            "data": None if code is not None else data,
            "taskId": task.task_id,
        }

    def progress(self, task: Task, links: list[str]) -> list[tuple[float, dict[str, Any]]]:
        del task, links
        return []


FAMILY = FlatFamily(
    "aleph",
    (
        Creation(
            "/api/v1/aleph/generate",
            "runway/aleph",
            "video",
            30,
            required=("prompt", "videoUrl"),
        ),
    ),
    ("/api/v1/aleph/record-info",),
    _Writer(),
    unknown=(200, "success"),
)
