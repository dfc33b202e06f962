"""
Suno: music, lyrics, and the tools that work on earlier tracks.

Sources: Kie's Suno pages (documented); keys in snake case (several clients); `CALLBACK_EXCEPTION`
with finished audio (several clients); the Chinese word for success (recorded live traffic). Only
`complete` and `error` end a task: `text` and `first` tell of progress and may come out of order.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kie_gateway.core.polling.report import Report
from kie_gateway.kie import reading, songs, wire
from kie_gateway.kie.families.family import Call, Family
from kie_gateway.kie.tracks import read_tracks, with_tracks

_MUSIC = "/api/v1/generate"
_TOOLS = ("wav", "mp4", "vocal-removal", "midi")
_CREATIONS = {
    "suno": _MUSIC,
    "suno/generate": _MUSIC,
    **{
        f"suno/{name}": f"{_MUSIC}/{name}"
        for name in (
            *("extend", "upload-cover", "upload-extend", "add-vocals", "add-instrumental"),
            *("replace-section", "mashup", "sounds"),
        )
    },
    "suno/lyrics": "/api/v1/lyrics",
    **{f"suno/{name}": f"/api/v1/{name}/generate" for name in _TOOLS},
    "suno/cover": "/api/v1/suno/cover/generate",
    # These two answer at once and are never asked about.
    "suno/style": "/api/v1/style/generate",
    "suno/timestamped-lyrics": f"{_MUSIC}/get-timestamped-lyrics",
}
_ASKING = {
    "suno/lyrics": "/api/v1/lyrics/record-info",
    **{f"suno/{name}": f"/api/v1/{name}/record-info" for name in _TOOLS},
    "suno/cover": "/api/v1/suno/cover/record-info",
}
# The versions after these are known to the Market alone.
_VERSION = re.compile(r"(?:suno/)?(v[1-5](?:_[a-z0-9]+)*)", re.IGNORECASE)
_STEPS = {"text": "TEXT_SUCCESS", "first": "FIRST_SUCCESS", "complete": "SUCCESS", "error": "ERROR"}


class _Suno(Family):
    def speaks(self, model: str) -> bool:
        """Speak for operations, and for bare versions such as `V5`."""
        return super().speaks(model) or _VERSION.fullmatch(model) is not None

    def creation(self, model: str, task_input: Mapping[str, Any], callback_url: str) -> Call:
        """Ask for an operation; a version in the model's place goes into the body."""
        version = _VERSION.fullmatch(model)
        if version is None:
            return super().creation(model, task_input, callback_url)
        return super().creation("suno", {**task_input, "model": version[1].upper()}, callback_url)

    def question(self, model: str, upstream_task_id: str, task_input: Mapping[str, Any]) -> Call:
        """Ask how a task stands; lyrics and tools have places of their own."""
        del task_input
        path = _ASKING.get(model.lower(), self.asking_path)
        return Call("GET", path, {"taskId": upstream_task_id})

    def interpret(self, body: Any) -> Report:
        """Read an answer or a webhook of any operation."""
        code, _, data = reading.envelope(body)
        response = wire.decoded(data.get("response"))
        holders = [one for one in (response, data) if isinstance(one, dict)]
        lists = songs.lists_in(holders)
        tracks = read_tracks(lists)
        found = reading.look(
            body, tracks.sources or songs.words_in(lists) or songs.others_in(holders, data)
        )
        step = (wire.text(data.get("callbackType")) or "").lower()
        if step in _STEPS:
            # Lyrics say `complete` even when they failed: only the code tells.
            word = _STEPS[step] if code in reading.YES else "ERROR"
            found = replace(found, data={**data, "state": word})
        return with_tracks(reading.conclude(found), tracks)


FAMILY = _Suno(
    name="suno",
    typical_seconds=60.0,
    creations=_CREATIONS,
    fields=(
        *("prompt", "customMode", "instrumental", "model", "style", "title", "negativeTags"),
        *("vocalGender", "styleWeight", "weirdnessConstraint", "audioWeight", "personaId"),
        *("personaModel", "duration", "defaultParamFlag", "audioId", "continueAt", "uploadUrl"),
        *("uploadUrlList", "tags", "taskId", "infillStartS", "infillEndS", "fullLyrics"),
        *("soundLoop", "soundTempo", "soundKey", "grabLyrics", "type", "stemName", "author"),
        *("domainName", "content"),
    ),
    asking_path=f"{_MUSIC}/record-info",
    history_path="/client/v1/userRecord/suno-record/page",
)
