"""Flux Kontext: `/api/v1/flux/kontext/...`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.kie.families.flat import FLAGS, Creation, FlatFamily, ended_at, failure_of, iso, param
from dev.kie.tasks import Stage

if TYPE_CHECKING:
    from dev.kie.tasks import Task


class _Writer:
    def record(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        response = {"originImageUrl": _origin(links), "resultImageUrl": links[0]}
        return {
            "taskId": task.task_id,
            "paramJson": param(task),
            "completeTime": iso(ended_at(task, stage)),
            "response": response if stage is Stage.SUCCEEDED else None,
            "successFlag": FLAGS[stage],
            "errorCode": code,
            "errorMessage": words,
            "createTime": iso(task.created_at),
        }

    def webhook(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        info = {"originImageUrl": _origin(links), "resultImageUrl": links[0]}
        if code is not None:
            info = {"originImageUrl": "", "resultImageUrl": ""}
        data = {"taskId": task.task_id, "info": info}
        return {"code": code or 200, "msg": words or "success", "data": data}

    def progress(self, task: Task, links: list[str]) -> list[tuple[float, dict[str, Any]]]:
        del task, links
        return []


def _origin(links: list[str]) -> str:
    """Name what dies within ten minutes: nothing lies there."""
    return links[0].rpartition("/")[0] + "/origin.png"


FAMILY = FlatFamily(
    "flux_kontext",
    (
        Creation(
            "/api/v1/flux/kontext/generate",
            "",
            "image",
            5,
            default_model="flux-kontext-pro",
            models=("flux-kontext-pro", "flux-kontext-max"),
        ),
    ),
    ("/api/v1/flux/kontext/record-info",),
    _Writer(),
)
