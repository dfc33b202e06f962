"""What the Market API's tasks make, as `resultJson` tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator import songs
from simulator.models import models

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.snapshot import Snapshot

    type Result = dict[str, Any]

_TRACK_KEYS = ("id", "audio_url", "duration", "title")
# Of the records that were seen, some have these.
_MORE_TRACK_KEYS = ("image_url", "prompt", "tags")


def result(snapshot: Snapshot) -> Result:
    """Write a result: links, what was found in a picture, or Suno's own envelope."""
    makes = models()[snapshot.task.model].makes
    if makes in {"image", "video", "audio"}:
        return _links(snapshot)
    if makes == "object":
        masks = snapshot.links()
        found = {"mask_urls": masks} if masks else {}
        return {"resultObject": {**found, "subject_status": 1}}
    return {"code": 200, "data": _OF_SUNO[makes](snapshot)}


def _links(snapshot: Snapshot) -> Result:
    if not snapshot.task.input.get("return_last_frame"):
        return {"resultUrls": snapshot.links()}
    first, last = snapshot.links("jpg")
    films = snapshot.links("mp4", "mov")
    return {"resultUrls": films, "firstFrameUrl": [first], "lastFrameUrl": [last]}


def _tracks(snapshot: Snapshot) -> Any:
    tracks = songs.tracks(snapshot, in_snake_case=True)
    keys = (*_TRACK_KEYS, *(_MORE_TRACK_KEYS if snapshot.dials.has("picture") else ()))
    return [{key: track.get(key) for key in keys} for track in tracks]


def _stems(snapshot: Snapshot) -> Any:
    links = snapshot.links()
    named = zip(songs.stem_names(len(links)), links, strict=True)
    return {f"{name}_url": link for name, link in named}


_OF_SUNO: dict[str, Callable[[Snapshot], Any]] = {
    "music": _tracks,
    "stems": _stems,
    "lyrics": lambda snapshot: songs.lyrics(snapshot, in_snake_case=True),
    "words": lambda snapshot: songs.aligned_words(snapshot.task.words),
    "midi": lambda _: {"state": "complete", "instruments": songs.instruments()},
    "style": lambda snapshot: {"result": songs.style_of(snapshot.task.words)},
    "covers": lambda snapshot: {"images": snapshot.links()},
    "wav": lambda snapshot: {"audio_wav_url": snapshot.link(0)},
    "clip": lambda snapshot: {"video_url": snapshot.link(0)},
}
