"""Sounds: an MP3 of silence with a title; silence is the one sound that needs no encoder."""

from __future__ import annotations

import io
import math
import struct
import wave
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# MPEG-1 layer III, 64 kbit/s, 48 kHz, mono: 192 bytes and 24 ms a frame; all zeros play nothing.
_FRAME = b"\xff\xfb\x54\xc0" + bytes(188)
_FRAMES_PER_SECOND = 1000 / 24
_LETTERS_PER_SECOND = 15
_LONGEST_SECONDS = 120


def sound(words: str, name: str, given: Mapping[str, Any]) -> bytes:
    """Make an MP3 about as long as the words take to be spoken."""
    del given
    seconds = min(max(len(words) / _LETTERS_PER_SECOND, 1.0), _LONGEST_SECONDS)
    tags = _text_tag(b"TIT2", words[:200]) + _text_tag(b"TPE1", name)
    return _id3(tags) + _FRAME * round(seconds * _FRAMES_PER_SECOND)


def wave_sound(words: str, name: str, given: Mapping[str, Any]) -> bytes:
    """Make a WAV of two seconds of a tone."""
    del words, name, given
    rate = 16_000
    samples = (int(8000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(2 * rate))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return buffer.getvalue()


def _text_tag(name: bytes, text: str) -> bytes:
    body = b"\3" + text.encode("utf-8")
    return name + _syncsafe(len(body)) + b"\0\0" + body


def _id3(tags: bytes) -> bytes:
    return b"ID3\4\0\0" + _syncsafe(len(tags)) + tags


def _syncsafe(number: int) -> bytes:
    """Write a number in four bytes of seven bits, so that it never looks like a frame."""
    return struct.pack("4B", *(number >> shift & 0x7F for shift in (21, 14, 7, 0)))
