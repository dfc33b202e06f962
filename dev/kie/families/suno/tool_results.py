"""What Suno's tools tell: flags as strings or numbers, times in three ways, ids in two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.kie import songs
from dev.kie.render.sound import music_seconds
from dev.kie.shapes import error, response, shaped, snake

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.kie.moments import Style
    from dev.kie.telling import Telling

    type Record = dict[str, Any]

_STEM_KEYS = (
    *("instrumentalUrl", "vocalUrl", "backingVocalsUrl", "drumsUrl", "bassUrl", "guitarUrl"),
    *("pianoUrl", "keyboardUrl", "percussionUrl", "stringsUrl", "synthUrl", "fxUrl"),
    *("brassUrl", "woodwindsUrl"),
)


def wav_record(telling: Telling) -> Record:
    return _track_record(telling, "WAV", "string", lambda: {"audioWavUrl": telling.link(0)})


def wav_webhook(telling: Telling) -> Record:
    found = _files(telling, {"audioWavUrl": 0})
    return _body(telling, "success", {**found, "task_id": telling.task.wire_id})


def mp4_record(telling: Telling) -> Record:
    return _track_record(telling, "MP4", "string", lambda: {"videoUrl": telling.link(0)})


def mp4_webhook(telling: Telling) -> Record:
    found = _files(telling, {"video_url": 0})
    return _body(telling, "success", {"task_id": telling.task.wire_id, **found})


def stems_record(telling: Telling) -> Record:
    return _track_record(telling, "AUDIO", "ms", lambda: _stems(telling))


def stems_webhook(telling: Telling) -> Record:
    names = songs.stem_names(len(telling.task.endings))
    found = shaped(telling, {f"{name}_url": telling.link(n) for n, name in enumerate(names)})
    info = {"origin_url": "", **found} if _is_told(telling) else None
    data = {"task_id": telling.task.wire_id, "vocal_separation_info": info}
    return _body(telling, "vocal separation generated successfully.", data)


def midi_record(telling: Telling) -> Record:
    task = telling.task
    notes = {"state": "complete", "instruments": songs.instruments()}
    return {
        "taskId": task.wire_id,
        "recordTaskId": -1,
        "audioId": task.input.get("audioId"),
        "callbackUrl": task.callback_url,
        "completeTime": telling.completed("ms"),
        "midiData": response(telling, lambda: notes),
        "successFlag": telling.flag,
        "createTime": telling.created("ms"),
        **error(telling, message=None),
    }


def midi_webhook(telling: Telling) -> Record:
    notes = {"state": "complete", "instruments": songs.instruments(mixed=True)}
    found = notes if _is_told(telling) else {}
    return _body(telling, "success", {"taskId": telling.task.wire_id, **found})


def cover_record(telling: Telling) -> Record:
    task = telling.task
    code = 200 if telling.has_succeeded else None
    return {
        "taskId": task.wire_id,
        "parentTaskId": task.input["taskId"],
        "callbackUrl": task.callback_url,
        "completeTime": telling.completed("iso ms"),
        "response": response(telling, lambda: {"images": telling.links()}),
        "successFlag": telling.flag,
        "createTime": telling.created("iso ms"),
        **error(telling, code=code),
    }


def cover_webhook(telling: Telling) -> Record:
    images = shaped(telling, {"images": telling.links()}) if _is_told(telling) else {"images": None}
    return _body(telling, "success", {**images, "taskId": telling.task.wire_id}, usual=501)


def _track_record(
    telling: Telling, kind: str, times: Style, result: Callable[[], Record]
) -> Record:
    task = telling.task
    return {
        "taskId": task.wire_id,
        "musicId": task.input.get("audioId"),
        "callbackUrl": task.callback_url,
        "musicIndex": 0,
        "completeTime": telling.completed(times),
        "response": response(telling, result),
        "successFlag": telling.state_of(_flag(telling, kind)),
        "createTime": telling.created(times),
        **error(telling, message=None),
    }


def _flag(telling: Telling, kind: str) -> str:
    failure = telling.failure
    if failure:
        return "CREATE_TASK_FAILED" if failure.stage == "create" else f"GENERATE_{kind}_FAILED"
    if telling.is_callback_exception:
        return "CALLBACK_EXCEPTION"
    return "SUCCESS" if telling.has_succeeded else "PENDING"


def _stems(telling: Telling) -> Record:
    names = songs.stem_names(len(telling.task.endings))
    links = {name: telling.link(n) for n, name in enumerate(names)}
    by_key = {key: links.get(snake(key).removesuffix("_url")) for key in _STEM_KEYS}
    data = [
        {
            "duration": music_seconds(telling.task.input, 0),
            "audio_url": link,
            "stem_type_group_name": name.replace("_", " ").title(),
            "id": songs.stem_id(telling.task, name),
        }
        for name, link in links.items()
    ]
    return {"id": None, "originUrl": None, "originData": data, **by_key}


def _is_told(telling: Telling) -> bool:
    return not telling.failure and not telling.is_empty


def _files(telling: Telling, files: dict[str, int]) -> Record:
    if not _is_told(telling):
        return dict.fromkeys(files)
    return shaped(telling, {key: telling.link(index) for key, index in files.items()})


def _body(telling: Telling, words: str, data: Record, usual: int = 500) -> Record:
    if telling.failure:
        return {"code": usual, "msg": telling.failure.message, "data": data}
    return {"code": 200, "msg": words, "data": data}
