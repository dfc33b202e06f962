"""What Suno's tools tell: flags as strings or numbers, times in three ways, ids in two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator import songs
from simulator.render.sound import music_seconds
from simulator.shapes import error, response, shaped, snake

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.snapshot import Snapshot
    from simulator.timestamps import Style

    type Record = dict[str, Any]

_STEM_KEYS = (
    *("instrumentalUrl", "vocalUrl", "backingVocalsUrl", "drumsUrl", "bassUrl", "guitarUrl"),
    *("pianoUrl", "keyboardUrl", "percussionUrl", "stringsUrl", "synthUrl", "fxUrl"),
    *("brassUrl", "woodwindsUrl"),
)


def wav_record(snapshot: Snapshot) -> Record:
    return _track_record(snapshot, "WAV", "string", lambda: {"audioWavUrl": snapshot.link(0)})


def wav_webhook(snapshot: Snapshot) -> Record:
    found = _files(snapshot, {"audioWavUrl": 0})
    return _body(snapshot, "success", {**found, "task_id": snapshot.task.wire_id})


def mp4_record(snapshot: Snapshot) -> Record:
    return _track_record(snapshot, "MP4", "string", lambda: {"videoUrl": snapshot.link(0)})


def mp4_webhook(snapshot: Snapshot) -> Record:
    found = _files(snapshot, {"video_url": 0})
    return _body(snapshot, "success", {"task_id": snapshot.task.wire_id, **found})


def stems_record(snapshot: Snapshot) -> Record:
    return _track_record(snapshot, "AUDIO", "ms", lambda: _stems(snapshot))


def stems_webhook(snapshot: Snapshot) -> Record:
    names = songs.stem_names(len(snapshot.task.endings))
    found = shaped(snapshot, {f"{name}_url": snapshot.link(n) for n, name in enumerate(names)})
    info = {"origin_url": "", **found} if _is_told(snapshot) else None
    data = {"task_id": snapshot.task.wire_id, "vocal_separation_info": info}
    return _body(snapshot, "vocal separation generated successfully.", data)


def midi_record(snapshot: Snapshot) -> Record:
    task = snapshot.task
    notes = {"state": "complete", "instruments": songs.instruments()}
    return {
        "taskId": task.wire_id,
        "recordTaskId": -1,
        "audioId": task.input.get("audioId"),
        "callbackUrl": task.callback_url,
        "completeTime": snapshot.completed("ms"),
        "midiData": response(snapshot, lambda: notes),
        "successFlag": snapshot.flag,
        "createTime": snapshot.created("ms"),
        **error(snapshot, message=None),
    }


def midi_webhook(snapshot: Snapshot) -> Record:
    notes = {"state": "complete", "instruments": songs.instruments(mixed=True)}
    found = notes if _is_told(snapshot) else {}
    return _body(snapshot, "success", {"taskId": snapshot.task.wire_id, **found})


def cover_record(snapshot: Snapshot) -> Record:
    task = snapshot.task
    code = 200 if snapshot.has_succeeded else None
    return {
        "taskId": task.wire_id,
        "parentTaskId": task.input["taskId"],
        "callbackUrl": task.callback_url,
        "completeTime": snapshot.completed("iso ms"),
        "response": response(snapshot, lambda: {"images": snapshot.links()}),
        "successFlag": snapshot.flag,
        "createTime": snapshot.created("iso ms"),
        **error(snapshot, code=code),
    }


def cover_webhook(snapshot: Snapshot) -> Record:
    images = (
        shaped(snapshot, {"images": snapshot.links()}) if _is_told(snapshot) else {"images": None}
    )
    return _body(snapshot, "success", {**images, "taskId": snapshot.task.wire_id}, usual=501)


def _track_record(
    snapshot: Snapshot, kind: str, times: Style, result: Callable[[], Record]
) -> Record:
    task = snapshot.task
    return {
        "taskId": task.wire_id,
        "musicId": task.input.get("audioId"),
        "callbackUrl": task.callback_url,
        "musicIndex": 0,
        "completeTime": snapshot.completed(times),
        "response": response(snapshot, result),
        "successFlag": snapshot.state_of(_flag(snapshot, kind)),
        "createTime": snapshot.created(times),
        **error(snapshot, message=None),
    }


def _flag(snapshot: Snapshot, kind: str) -> str:
    failure = snapshot.failure
    if failure:
        return "CREATE_TASK_FAILED" if failure.stage == "create" else f"GENERATE_{kind}_FAILED"
    if snapshot.is_callback_exception:
        return "CALLBACK_EXCEPTION"
    return "SUCCESS" if snapshot.has_succeeded else "PENDING"


def _stems(snapshot: Snapshot) -> Record:
    names = songs.stem_names(len(snapshot.task.endings))
    links = {name: snapshot.link(n) for n, name in enumerate(names)}
    by_key = {key: links.get(snake(key).removesuffix("_url")) for key in _STEM_KEYS}
    data = [
        {
            "duration": music_seconds(snapshot.task.input, 0),
            "audio_url": link,
            "stem_type_group_name": name.replace("_", " ").title(),
            "id": songs.stem_id(snapshot.task, name),
        }
        for name, link in links.items()
    ]
    return {"id": None, "originUrl": None, "originData": data, **by_key}


def _is_told(snapshot: Snapshot) -> bool:
    return not snapshot.failure and not snapshot.is_empty


def _files(snapshot: Snapshot, files: dict[str, int]) -> Record:
    if not _is_told(snapshot):
        return dict.fromkeys(files)
    return shaped(snapshot, {key: snapshot.link(index) for key, index in files.items()})


def _body(snapshot: Snapshot, words: str, data: Record, usual: int = 500) -> Record:
    if snapshot.failure:
        return {"code": usual, "msg": snapshot.failure.message, "data": data}
    return {"code": 200, "msg": words, "data": data}
