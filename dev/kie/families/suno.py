"""Suno: music with its stages, lyrics, and the tools that work on tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.kie.answers import envelope, json_body
from dev.kie.families.flat import (
    FLAGS,
    Creation,
    FlatFamily,
    ended_at,
    failure_of,
    iso,
    milliseconds,
    param,
    spelt,
)
from dev.kie.tasks import Stage

if TYPE_CHECKING:
    from flask import Blueprint, Response

    from dev.kie.service import Service
    from dev.kie.tasks import Task

_MUSIC = (
    *("generate", "extend", "upload-cover", "upload-extend", "add-vocals", "add-instrumental"),
    *("replace-section", "mashup", "sounds"),
)
_FIRST_SHARE = 0.7
_TEXT_SHARE = 0.3


class _Writer:
    def record(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        operation = task.model.removeprefix("suno/")
        write = getattr(self, f"_{operation.replace('-', '_')}", self._music)
        record: dict[str, Any] = write(task, stage, links)
        return {"taskId": task.task_id, **record}

    def webhook(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        operation = task.model.removeprefix("suno/")
        name = "taskId" if operation in {"midi", "cover"} else "task_id"
        data = {name: task.task_id, **_told(task, operation, links, failed=code is not None)}
        return {"code": code or 200, "msg": words or "All generated successfully.", "data": data}

    def progress(self, task: Task, links: list[str]) -> list[tuple[float, dict[str, Any]]]:
        if task.model.removeprefix("suno/") not in _MUSIC:
            return []
        steps = [("text", []), ("first", _tracks(task, links, snake=True)[:1])]
        shares = (_TEXT_SHARE, _FIRST_SHARE)
        return [
            (
                share,
                {
                    "code": 200,
                    "msg": f"{step} generated",
                    "data": {"callbackType": step, "task_id": task.task_id, "data": data},
                },
            )
            for share, (step, data) in zip(shares, steps, strict=True)
        ]

    def _music(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        tracks = _tracks(task, links, snake=task.dials.result_fault == "snake")
        shown = {Stage.GENERATING: tracks[:1], Stage.SUCCEEDED: tracks}.get(stage)
        status = {
            Stage.WAITING: "PENDING",
            Stage.GENERATING: "FIRST_SUCCESS",
            Stage.SUCCEEDED: "SUCCESS",
            Stage.FAILED: "GENERATE_AUDIO_FAILED",
        }[stage]
        if stage is Stage.SUCCEEDED and task.dials.callback_exception:
            status = "CALLBACK_EXCEPTION"
        return {
            "parentMusicId": "",
            "param": param(task),
            "response": {"taskId": task.task_id, "sunoData": shown} if shown else None,
            "status": status,
            "type": "GENERATE",
            "errorCode": code,
            "errorMessage": words or None,
        }

    def _lyrics(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        del links
        code, words = failure_of(task, stage)
        status = {Stage.SUCCEEDED: "SUCCESS", Stage.FAILED: "GENERATE_LYRICS_FAILED"}
        songs = [{**song, "errorMessage": ""} for song in _songs(task)]
        return {
            "param": param(task),
            "response": {"taskId": task.task_id, "data": songs}
            if stage is Stage.SUCCEEDED
            else None,
            "status": status.get(stage, "PENDING"),
            "type": "LYRICS",
            "errorCode": code,
            "errorMessage": words or None,
        }

    def _wav(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        return _tool(task, stage, "WAV", {"audioWavUrl": links[0]}, spelt)

    def _mp4(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        return _tool(task, stage, "MP4", {"videoUrl": links[0]}, spelt)

    def _vocal_removal(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        stems = {"vocalUrl": links[0], "instrumentalUrl": links[1], "originUrl": None}
        return _tool(task, stage, "AUDIO", stems, milliseconds)

    def _midi(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        del links
        code, words = failure_of(task, stage)
        return {
            "recordTaskId": -1,
            "completeTime": milliseconds(ended_at(task, stage)),
            "midiData": _notes() if stage is Stage.SUCCEEDED else {},
            "successFlag": FLAGS[stage],
            "createTime": milliseconds(task.created_at),
            "errorCode": code,
            "errorMessage": words or None,
        }

    def _cover(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        code, words = failure_of(task, stage)
        return {
            "parentTaskId": str(task.input.get("taskId") or ""),
            "completeTime": iso(ended_at(task, stage)),
            "response": {"images": links} if stage is Stage.SUCCEEDED else None,
            "successFlag": FLAGS[stage],
            "createTime": iso(task.created_at),
            "errorCode": 200 if stage is Stage.SUCCEEDED else code,
            "errorMessage": words,
        }


def _tool(
    task: Task, stage: Stage, name: str, response: dict[str, Any], written: Any
) -> dict[str, Any]:
    """Write the record of a tool, whose flag is a word."""
    code, words = failure_of(task, stage)
    flag = {Stage.SUCCEEDED: "SUCCESS", Stage.FAILED: f"GENERATE_{name}_FAILED"}
    return {
        "musicId": str(task.input.get("audioId") or ""),
        "musicIndex": 0,
        "completeTime": written(ended_at(task, stage)),
        "response": response if stage is Stage.SUCCEEDED else None,
        "successFlag": flag.get(stage, "PENDING"),
        "createTime": written(task.created_at),
        "errorCode": code,
        "errorMessage": words or None,
    }


def _told(task: Task, operation: str, links: list[str], *, failed: bool) -> dict[str, Any]:
    """Write what the last webhook of an operation tells beside its id."""
    first, last = (links or [""])[0], (links or [""])[-1]
    told: dict[str, tuple[str, Any]] = {
        "lyrics": ("data", [{**song, "error_message": ""} for song in _songs(task)]),
        "wav": ("audioWavUrl", first),
        "mp4": ("video_url", first),
        "vocal-removal": (
            "vocal_separation_info",
            {"origin_url": "", "vocal_url": first, "instrumental_url": last},
        ),
        "cover": ("images", links),
    }
    if operation == "midi":
        return {} if failed else _notes()
    name, result = told.get(operation, ("data", _tracks(task, links, snake=True)))
    step: dict[str, Any] = {}
    if operation in {*_MUSIC, "lyrics"}:
        # Lyrics are complete even when they failed.
        step = {"callbackType": "error" if failed and operation in _MUSIC else "complete"}
    return {**step, name: None if failed else result}


def _tracks(task: Task, links: list[str], *, snake: bool) -> list[dict[str, Any]]:
    tracks = []
    for number, link in enumerate(links):
        track = {
            "id": f"{task.task_id}-{number}",
            "audioUrl": link,
            "sourceAudioUrl": link,
            "streamAudioUrl": f"{link}.stream",
            "imageUrl": f"{link}.jpeg",
            "prompt": task.words[:200],
            "modelName": "chirp-v5",
            "title": str(task.input.get("title") or "Simulated"),
            "tags": "simulated",
            "createTime": milliseconds(task.created_at),
            "duration": 2.0,
        }
        tracks.append({_snake(key): value for key, value in track.items()} if snake else track)
    return tracks


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _songs(task: Task) -> list[dict[str, Any]]:
    words = f"[Verse]\n{task.words}\n[Chorus]\nSimulated all along"
    return [{"text": words, "title": f"Take {n}", "status": "complete"} for n in (1, 2)]


def _notes() -> dict[str, Any]:
    note = {"pitch": 73, "start": "0.0364", "end": 0.1823, "velocity": 1}
    return {"state": "complete", "instruments": [{"name": "Drums", "notes": [note]}]}


class _Suno(FlatFamily):
    def routes(self, service: Service) -> Blueprint:
        """Add what answers at once."""
        blueprint = super().routes(service)

        @blueprint.post("/api/v1/style/generate")
        def style() -> Response:
            content = str(json_body().get("content") or "")
            if not content:
                return envelope(422, "Please enter content.")
            data = {
                "taskId": "style",
                "param": content,
                "result": f"{content} with sparse piano and wide synths.",
                "creditsConsumed": 0.4,
                "creditsRemaining": service.account.balance(),
                "successFlag": "成功",
                "errorCode": None,
                "errorMsg": None,
            }
            return envelope(200, "success", data)

        @blueprint.post("/api/v1/generate/get-timestamped-lyrics")
        def timestamped() -> Response:
            word = {"word": "[Verse]\nSimulated", "success": True, "startS": 1.36, "endS": 1.79}
            data = {"alignedWords": [word], "waveformData": [0, 1, 0.5], "isStreamed": False}
            return envelope(200, "success", data)

        return blueprint


def _music_creations() -> tuple[Creation, ...]:
    required = {
        "generate": ("prompt", "customMode", "instrumental", "model"),
        "extend": ("defaultParamFlag", "audioId", "model"),
        "replace-section": ("prompt",),
        "mashup": ("uploadUrlList", "model"),
        "sounds": ("prompt", "model"),
    }
    paths = {"generate": "/api/v1/generate"}
    return tuple(
        Creation(
            paths.get(name, f"/api/v1/generate/{name}"),
            f"suno/{name}",
            "audio",
            12,
            required=(*required.get(name, ("uploadUrl",)), "callBackUrl"),
            results=2,
        )
        for name in _MUSIC
    )


FAMILY = _Suno(
    "suno",
    (
        *_music_creations(),
        Creation("/api/v1/lyrics", "suno/lyrics", "text", 0.4, required=("prompt", "callBackUrl")),
        Creation("/api/v1/wav/generate", "suno/wav", "audio", 0.4, required=("taskId",)),
        Creation("/api/v1/mp4/generate", "suno/mp4", "video", 2, required=("taskId",)),
        Creation(
            "/api/v1/vocal-removal/generate",
            "suno/vocal-removal",
            "audio",
            10,
            required=("taskId", "audioId"),
            results=2,
        ),
        Creation("/api/v1/midi/generate", "suno/midi", "text", 0, required=("taskId",)),
        Creation(
            "/api/v1/suno/cover/generate", "suno/cover", "image", 0, required=("taskId",), results=2
        ),
    ),
    (
        "/api/v1/generate/record-info",
        *(
            f"/api/v1/{name}/record-info"
            for name in ("lyrics", "wav", "mp4", "vocal-removal", "midi", "suno/cover")
        ),
    ),
    _Writer(),
    unknown=(200, "success"),
)
