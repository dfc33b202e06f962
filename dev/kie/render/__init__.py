"""
Real files for tasks: a picture, a film or a sound, the same bytes for the same task each time.

To render a kind in another way, change its line in `_RENDERERS`.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dev.kie.render.film import film
from dev.kie.render.picture import draw, encode, picture
from dev.kie.render.sound import sound, wave_sound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dev.kie.tasks import Task

    type _Renderer = Callable[[str, str, Mapping[str, Any]], bytes]

_RENDERERS: dict[str, _Renderer] = {
    "image": picture,
    "video": film,
    "audio": sound,
    "wav": wave_sound,
}
_CONTENT_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "mp4": "video/mp4",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
}


def extension(task: Task) -> str:
    """Say what the names of a task's files end in."""
    if task.kind == "image":
        return "jpg" if task.input.get("output_format") in {"jpg", "jpeg"} else "png"
    if task.model == "suno/wav":
        return "wav"
    return {"video": "mp4", "audio": "mp3", "text": "txt"}[task.kind]


def content_type(task: Task) -> str:
    return _CONTENT_TYPES[extension(task)]


def render(task: Task, index: int) -> bytes:
    """Make one of a task's files."""
    kind = "wav" if extension(task) == "wav" else task.kind
    return _rendered(kind, task.words, f"{task.task_id} #{index}", task.input_json)


def preview(task: Task) -> bytes:
    """Make the small square picture that Kie.ai names before the real one."""
    return encode(draw(task.words, f"preview of {task.task_id}", (360, 360)), "PNG")


@lru_cache(maxsize=64)
def _rendered(kind: str, words: str, name: str, input_json: str) -> bytes:
    return _RENDERERS[kind](words, name, json.loads(input_json))
