"""
Real files for tasks: a picture, a film or a sound, the same bytes for the same task each time.

To render a kind in another way, change its line in `_RENDERERS`.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dev.kie.render.film import film
from dev.kie.render.picture import picture
from dev.kie.render.sound import sound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dev.kie.models import Kind
    from dev.kie.tasks import Task

    type _Renderer = Callable[[str, str, Mapping[str, Any]], bytes]

_RENDERERS: dict[Kind, _Renderer] = {"image": picture, "video": film, "audio": sound}
_CONTENT_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "mp4": "video/mp4",
    "mp3": "audio/mpeg",
}


def extension(task: Task) -> str:
    """Say what the names of a task's files end in."""
    if task.kind == "image":
        return "jpg" if task.input.get("output_format") in {"jpg", "jpeg"} else "png"
    return {"video": "mp4", "audio": "mp3"}[task.kind]


def content_type(task: Task) -> str:
    return _CONTENT_TYPES[extension(task)]


def render(task: Task, index: int) -> bytes:
    """Make one of a task's files."""
    return _rendered(task.kind, task.words, f"{task.task_id} #{index}", task.input_json)


@lru_cache(maxsize=64)
def _rendered(kind: Kind, words: str, name: str, input_json: str) -> bytes:
    return _RENDERERS[kind](words, name, json.loads(input_json))
