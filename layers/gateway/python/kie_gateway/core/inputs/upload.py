"""
Input files that callers send to the bucket first, and name in a task's input.

A reference holds no owner: it is looked for among the files of the task's own owner, so another
owner's reference leads nowhere.
"""

import re
from collections.abc import Iterator
from typing import Any

from kie_gateway.core.inputs.json_pointer import texts

SCHEME = "kg-upload://"
LARGEST_BYTES = 1024**3
# What Kie's models take, with the extension that its file hosts judge types by.
EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/bmp": "bmp",
    "image/tiff": "tiff",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "application/pdf": "pdf",
    "text/plain": "txt",
}
_REFERENCE = re.compile(r"kg-upload://(upload_[0-9a-z]{26}\.[a-z0-9]{2,5})")


def reference_of(name: str) -> str:
    """Write the reference of an uploaded file."""
    return f"{SCHEME}{name}"


def name_in(value: str) -> str | None:
    """Read a reference; None if it is none that could have been given out."""
    found = _REFERENCE.fullmatch(value)
    return found[1] if found else None


def references(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Find references in an input, each with its JSON pointer."""
    return ((place, text) for place, text in texts(value, pointer) if text.startswith(SCHEME))
