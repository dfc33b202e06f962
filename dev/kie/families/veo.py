"""Veo 3.1: `/api/v1/veo/...`, with upgrades that answer in odd codes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flask import request

from dev.kie.answers import envelope, json_body
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
    from flask import Blueprint, Response

    from dev.kie.service import Service
    from dev.kie.tasks import Task

_UPGRADE_SECONDS = 3.0


class _Writer:
    def record(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        response = {
            "taskId": task.task_id,
            "resultUrls": links,
            "full_result_urls": links if task.model == "veo3/extend" else None,
            "hasAudioList": [True],
            "seeds": [12345],
            "resolution": str(task.input.get("resolution") or "720p"),
        }
        return {
            "taskId": task.task_id,
            "paramJson": param(task),
            "completeTime": milliseconds(ended_at(task, stage)),
            "response": response if stage is Stage.SUCCEEDED else None,
            "successFlag": FLAGS[stage],
            "errorCode": code,
            "errorMessage": words or None,
            "createTime": milliseconds(task.created_at),
            "fallbackFlag": False,
        }

    def webhook(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        data: dict[str, Any] = {"taskId": task.task_id, "fallbackFlag": False}
        if code is None:
            info = {"resultUrls": links, "originUrls": None, "resolution": "720p"}
            data |= {"promptJson": param(task), "info": info}
        message = words or "Veo3.1 video generated successfully."
        return {"code": code or 200, "msg": message, "data": data}

    def progress(self, task: Task, links: list[str]) -> list[tuple[float, dict[str, Any]]]:
        del task, links
        return []


class _Veo(FlatFamily):
    def routes(self, service: Service) -> Blueprint:
        """Add the upgrades to what all families have."""
        blueprint = super().routes(service)
        asked_at: dict[str, float] = {}

        @blueprint.get("/api/v1/veo/get-1080p-video")
        def hd() -> Response:
            task = service.tasks.get(request.args.get("taskId", ""))
            if task is None or task.completed_at is None:
                return envelope(422, "The record does not exist")
            began = asked_at.setdefault(f"hd {task.task_id}", time.time())
            if time.time() - began < _UPGRADE_SECONDS:
                return envelope(500, "1080P is still processing")
            return envelope(200, "success", {"resultUrl": service.links(task)[0]})

        @blueprint.post("/api/v1/veo/get-4k-video")
        def uhd() -> Response:
            task = service.tasks.get(str(json_body().get("taskId") or ""))
            if task is None or task.completed_at is None:
                return envelope(422, "The record does not exist")
            name = f"uhd {task.task_id}"
            is_first, began = name not in asked_at, asked_at.setdefault(name, time.time())
            nothing = {"taskId": task.task_id, "resultUrls": None, "imageUrls": None}
            if is_first:
                return envelope(200, "success", nothing)
            if time.time() - began < _UPGRADE_SECONDS:
                return envelope(422, "4k is processing", nothing)
            links = service.links(task)
            done = {"taskId": task.task_id, "resultUrls": links, "imageUrls": None}
            return envelope(422, "The video has been generated successfully", done)

        return blueprint


FAMILY = _Veo(
    "veo",
    (
        Creation(
            "/api/v1/veo/generate",
            "",
            "video",
            60,
            default_model="veo3_fast",
            models=("veo3", "veo3_fast", "veo3_lite"),
        ),
        Creation("/api/v1/veo/extend", "veo3/extend", "video", 60, required=("taskId", "prompt")),
    ),
    ("/api/v1/veo/record-info",),
    _Writer(),
    unknown=(200, "success"),
)
