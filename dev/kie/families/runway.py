"""Runway: `/api/v1/runway/...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.kie.families.flat import Creation, FlatFamily, ended_at, failure_of, spelt
from dev.kie.tasks import Stage

if TYPE_CHECKING:
    from dev.kie.tasks import Task

_WORDS = {
    Stage.WAITING: "queueing",
    Stage.GENERATING: "generating",
    Stage.SUCCEEDED: "success",
    Stage.FAILED: "fail",
}


class _Writer:
    def record(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        info = {
            "videoId": f"video-{task.task_id}",
            "taskId": task.task_id,
            "videoUrl": links[0],
            "imageUrl": f"{links[0]}.png",
        }
        return {
            "taskId": task.task_id,
            "parentTaskId": str(task.input.get("taskId") or ""),
            "generateParam": {**task.input, "expandPrompt": True},
            "state": _WORDS[stage],
            "generateTime": spelt(ended_at(task, stage)) or "",
            "videoInfo": info if stage is Stage.SUCCEEDED else None,
            "failCode": code or 0,
            "failMsg": words,
            "expireFlag": 0,
        }

    def webhook(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        empty = code is not None
        data = {
            "task_id": task.task_id,
            "video_id": "" if empty else f"video-{task.task_id}",
            "video_url": "" if empty else links[0],
            "image_url": "" if empty else f"{links[0]}.png",
        }
        return {"code": code or 200, "msg": words or "All generated successfully.", "data": data}

    def progress(self, task: Task, links: list[str]) -> list[tuple[float, dict[str, Any]]]:
        del task, links
        return []


FAMILY = FlatFamily(
    "runway",
    (
        Creation(
            "/api/v1/runway/generate",
            "runway/generate",
            "video",
            12,
            required=("prompt", "duration", "quality"),
        ),
        Creation(
            "/api/v1/runway/extend",
            "runway/extend",
            "video",
            12,
            required=("taskId", "prompt", "quality", "callBackUrl"),
        ),
    ),
    ("/api/v1/runway/record-detail",),
    _Writer(),
)
