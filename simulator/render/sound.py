"""Sounds: an MP3 of silence, the one sound that needs no encoder, and a WAV of a tone."""

from __future__ import annotations

import io
import math
import struct
import wave
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# MPEG-1 layer III, 64 kbit/s, 48 kHz, mono: 192 bytes and 24 ms a frame; all zeros play nothing.
_FRAME = b"\xff\xfb\x54\xc0" + bytes(188)
_FRAMES_PER_SECOND = 1000 / 24
_LETTERS_PER_SECOND = 15
_LONGEST_SECONDS = 120
_SONG_SECONDS = 24
# A whole number of milliseconds and of frames, so that a record can tell the length exactly.
_LONGER_EACH = 1.2
_RATE = 8000
_TONE = 200


def speech_seconds(words: str) -> float:
    """Return about how long it takes to speak some words."""
    return min(max(len(words) / _LETTERS_PER_SECOND, 1.0), _LONGEST_SECONDS)


def music_seconds(given: Mapping[str, Any], number: int) -> float:
    """Return how long a track is; no two of a task are alike."""
    asked = given.get("duration")
    seconds = asked if isinstance(asked, int) else _SONG_SECONDS
    return round(seconds + _LONGER_EACH * number, 2)


def mp3(words: str, name: str, seconds: float) -> bytes:
    """Make silence with a title."""
    tags = _text_tag(b"TIT2", words[:200]) + _text_tag(b"TPE1", name)
    return _id3(tags) + _FRAME * round(seconds * _FRAMES_PER_SECOND)


def wav(seconds: float) -> bytes:
    """Make a tone."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(_period() * round(seconds * _TONE))
    return buffer.getvalue()


@cache
def _period() -> bytes:
    count = _RATE // _TONE
    levels = (int(8000 * math.sin(2 * math.pi * n / count)) for n in range(count))
    return struct.pack(f"<{count}h", *levels)


def _text_tag(name: bytes, text: str) -> bytes:
    body = b"\3" + text.encode("utf-8")
    return name + _syncsafe(len(body)) + b"\0\0" + body


def _id3(tags: bytes) -> bytes:
    return b"ID3\4\0\0" + _syncsafe(len(tags)) + tags


def _syncsafe(number: int) -> bytes:
    """Write a number in four bytes of seven bits, so that it never looks like a frame."""
    return struct.pack("4B", *(number >> shift & 0x7F for shift in (21, 14, 7, 0)))
