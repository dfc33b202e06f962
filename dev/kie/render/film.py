"""Films: an MP4 of one picture a second, each a JPEG; no codec is needed to write it."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any

from dev.kie.models import seconds_asked
from dev.kie.render.picture import draw, encode, shape_asked

if TYPE_CHECKING:
    from collections.abc import Mapping

_TICKS = 1000
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
# MPEG-4 "object type" of a stream of JPEGs, as a visual stream.
_JPEG_STREAM = bytes((0x6C, 0x11))


def film(words: str, name: str, given: Mapping[str, Any]) -> bytes:
    """Make a silent film as long as the input asks for."""
    size = _size(given)
    seconds = seconds_asked(given)
    frames = [
        encode(draw(f"{words}\n{second + 1} / {seconds}", name, size), "JPEG")
        for second in range(seconds)
    ]
    return _mp4(frames, size)


def _size(given: Mapping[str, Any]) -> tuple[int, int]:
    """Read `720p` and the like as the shorter side."""
    asked = str(given.get("resolution") or given.get("quality") or "")
    found = re.fullmatch(r"(\d{3,4})p", asked, re.IGNORECASE)
    shorter = min(int(found[1]), 1080) if found else 720
    named = given.get("aspect_ratio") or given.get("image_size")
    shape = shape_asked(given) if named and ":" in str(named) else 16 / 9
    longer = round(shorter * max(shape, 1 / shape) / 2) * 2
    return (longer, shorter) if shape >= 1 else (shorter, longer)


def _mp4(frames: list[bytes], size: tuple[int, int]) -> bytes:
    head = _box(b"ftyp", b"isom\0\0\2\0isomiso2mp41")
    # The pictures come last, so the index is written twice: first to learn how long it is.
    first_picture = len(head) + len(_moov(frames, size, 0)) + 8
    return head + _moov(frames, size, first_picture) + _box(b"mdat", *frames)


def _moov(frames: list[bytes], size: tuple[int, int], first_picture: int) -> bytes:
    length = len(frames) * _TICKS
    times = struct.pack(">4I", 0, 0, _TICKS, length)
    mvhd = _full(b"mvhd", times, struct.pack(">IH10x", 0x10000, 0x100), _MATRIX, bytes(24), _u32(2))
    tkhd = _full(
        b"tkhd",
        struct.pack(">5I", 0, 0, 1, 0, length),
        bytes(16),
        _MATRIX,
        struct.pack(">2I", size[0] << 16, size[1] << 16),
        flags=3,
    )
    mdhd = _full(b"mdhd", times, struct.pack(">2H", 0x55C4, 0))
    hdlr = _full(b"hdlr", _u32(0), b"vide", bytes(12), b"pictures\0")
    minf = _box(
        b"minf",
        _full(b"vmhd", bytes(8), flags=1),
        _box(b"dinf", _full(b"dref", _u32(1), _full(b"url ", flags=1))),
        _samples(frames, size, first_picture),
    )
    return _box(b"moov", mvhd, _box(b"trak", tkhd, _box(b"mdia", mdhd, hdlr, minf)))


def _samples(frames: list[bytes], size: tuple[int, int], first_picture: int) -> bytes:
    count = len(frames)
    sizes = b"".join(_u32(len(frame)) for frame in frames)
    return _box(
        b"stbl",
        _full(b"stsd", _u32(1), _sample_entry(size)),
        _full(b"stts", struct.pack(">3I", 1, count, _TICKS)),
        _full(b"stsc", struct.pack(">4I", 1, 1, count, 1)),
        _full(b"stsz", struct.pack(">2I", 0, count), sizes),
        _full(b"stco", struct.pack(">2I", 1, first_picture)),
    )


def _sample_entry(size: tuple[int, int]) -> bytes:
    config = _descriptor(4, _JPEG_STREAM + bytes(11))
    stream = _descriptor(3, bytes((0, 1, 0)), config, _descriptor(6, b"\2"))
    look = struct.pack(">6xH16x2H2I4xH32x2H", 1, *size, 0x480000, 0x480000, 1, 24, 0xFFFF)
    return _box(b"mp4v", look, _full(b"esds", stream))


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _u32(len(body) + 8) + name + body


def _full(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(name, _u32(flags), *parts)


def _descriptor(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes((tag, len(body))) + body


def _u32(number: int) -> bytes:
    return struct.pack(">I", number)
