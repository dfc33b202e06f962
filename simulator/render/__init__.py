"""Real files for tasks: pictures, films and sounds, the same bytes for the same task each time."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from simulator.render.film import film
from simulator.render.picture import picture, picture_size
from simulator.render.sound import mp3, music_seconds, speech_seconds, wav

if TYPE_CHECKING:
    from simulator.tasks import Task

_CONTENT_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
}
PICTURES = ("png", "jpg", "jpeg")
_THUMBNAIL = (360, 360)
# What a file is instead when it is to be of another type.
_OTHERS = {"png": "jpg", "jpg": "png", "jpeg": "png", "mp4": "png", "mov": "png", "wav": "mp3"}


def content_type(ending: str) -> str:
    return _CONTENT_TYPES.get(ending, "application/octet-stream")


def render(task: Task, index: int, *, is_small: bool = False, is_other: bool = False) -> bytes:
    """
    Make one of a task's files.

    Args:
        is_small: Make a thumbnail where a picture is due.
        is_other: Make something of another type than the file's name says.

    """
    ending = task.endings[index]
    if is_other:
        ending = _OTHERS.get(ending, "wav")
    number, track = f"{task.task_id} #{index}", index // 2 if task.is_music else None
    size = _THUMBNAIL if is_small else _size_of_picture(task, index)
    return _rendered(ending, task.words, number, task.input_json, track, size=size)


def _size_of_picture(task: Task, index: int) -> tuple[int, int] | None:
    """Return the size that a dial asks for; None for what follows from the input."""
    width, _, height = task.dials.word("picture").partition("x")
    is_asked = width.isdecimal() and task.is_picture_of_track(index)
    return (int(width), int(height)) if is_asked else None


@lru_cache(maxsize=64)
def _rendered(
    ending: str,
    words: str,
    name: str,
    input_json: str,
    track: int | None,
    *,
    size: tuple[int, int] | None,
) -> bytes:
    given = json.loads(input_json)
    if ending in PICTURES:
        return picture(words, name, size or picture_size(given), is_jpeg=ending != "png")
    if ending == "wav":
        return wav(music_seconds(given, 0))
    if ending == "mp3":
        seconds = speech_seconds(words) if track is None else music_seconds(given, track)
        return mp3(words, name, seconds)
    return film(words, name, given)
