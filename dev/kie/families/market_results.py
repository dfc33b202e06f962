"""What the Market API's tasks make, as `resultJson` tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.kie import songs
from dev.kie.models import models

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.kie.telling import Telling

    type Result = dict[str, Any]

_TRACK_KEYS = ("id", "audio_url", "duration", "title")


def result(telling: Telling) -> Result:
    """Write a result: links, what was found in a picture, or Suno's own envelope."""
    makes = models()[telling.task.model].makes
    if makes in {"image", "video", "audio"}:
        return _links(telling)
    if makes == "object":
        masks = telling.links()
        found = {"mask_urls": masks} if masks else {}
        return {"resultObject": {**found, "subject_status": 1}}
    return {"code": 200, "data": _OF_SUNO[makes](telling)}


def _links(telling: Telling) -> Result:
    if not telling.task.input.get("return_last_frame"):
        return {"resultUrls": telling.links()}
    first, last = telling.links("jpg")
    films = telling.links("mp4", "mov")
    return {"resultUrls": films, "firstFrameUrl": [first], "lastFrameUrl": [last]}


def _tracks(telling: Telling) -> Any:
    tracks = songs.tracks(telling, in_snake_case=True)
    return [{key: track.get(key) for key in _TRACK_KEYS} for track in tracks]


def _stems(telling: Telling) -> Any:
    links = telling.links()
    named = zip(songs.stem_names(len(links)), links, strict=True)
    return {f"{name}_url": link for name, link in named}


_OF_SUNO: dict[str, Callable[[Telling], Any]] = {
    "music": _tracks,
    "stems": _stems,
    "lyrics": lambda telling: songs.lyrics(telling, in_snake_case=True),
    "words": lambda telling: songs.aligned_words(telling.task.words),
    "midi": lambda _: {"state": "complete", "instruments": songs.instruments()},
    "style": lambda telling: {"result": songs.style_of(telling.task.words)},
    "covers": lambda telling: {"images": telling.links()},
    "wav": lambda telling: {"audio_wav_url": telling.link(0)},
    "clip": lambda telling: {"video_url": telling.link(0)},
}
