"""Films: an MP4 of H.264, one picture a second."""

from __future__ import annotations

import re
import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from PIL import ImageDraw

from simulator.models import seconds_asked
from simulator.render import h264
from simulator.render.picture import draw, shape_asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL import Image

_TICKS = 1000
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_SIDES = {"4k": 2160, "2k": 1440, "1k": 720}


def film(words: str, name: str, given: Mapping[str, Any]) -> bytes:
    """Make a silent film as long as the input asks for; a bar shows how far it has come."""
    size = _size(given)
    seconds = seconds_asked(given)
    ground = draw(words, name, size)
    whole = h264.picture(ground)
    shares = ((second + 1) / seconds for second in range(seconds))
    shown = [h264.with_top(whole, h264.picture(_top(ground, share))) for share in shares]
    later = (
        h264.next_picture(one, before, number)
        for number, (before, one) in enumerate(pairwise(shown), 1)
    )
    pictures = [h264.key_picture(shown[0]), *later]
    return _mp4([_u32(len(one)) + one for one in pictures], size)


def _top(ground: Image.Image, share: float) -> Image.Image:
    """Draw a bar into the top; all else stays, so that later pictures are small."""
    height = max(ground.height // 40, 4)
    image = ground.crop((0, 0, ground.width, min(h264.in_blocks(2 * height), ground.height)))
    ImageDraw.Draw(image).rectangle((0, height, int(image.width * share) - 1, 2 * height), "white")
    return image


def _size(given: Mapping[str, Any]) -> tuple[int, int]:
    """Read `720p` and the like as the shorter side."""
    asked = str(given.get("resolution") or given.get("quality") or "").lower()
    found = re.fullmatch(r"(\d{3,4})p", asked)
    shorter = min(int(found[1]), 2160) if found else _SIDES.get(asked, 720)
    shape = shape_asked(given, 16 / 9)
    longer = round(shorter * max(shape, 1 / shape) / 2) * 2
    return (longer, shorter) if shape >= 1 else (shorter, longer)


def _mp4(frames: list[bytes], size: tuple[int, int]) -> bytes:
    head = _box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
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
        _full(b"stss", struct.pack(">2I", 1, 1)),
        _full(b"stts", struct.pack(">3I", 1, count, _TICKS)),
        _full(b"stsc", struct.pack(">4I", 1, 1, count, 1)),
        _full(b"stsz", struct.pack(">2I", 0, count), sizes),
        _full(b"stco", struct.pack(">2I", 1, first_picture)),
    )


def _sample_entry(size: tuple[int, int]) -> bytes:
    sequence, picture = h264.parameters(*size)
    # The profile's three bytes again; lengths of four bytes; one set of each kind.
    config = b"\1" + sequence[1:4] + b"\xff\xe1" + struct.pack(">H", len(sequence)) + sequence
    config += b"\1" + struct.pack(">H", len(picture)) + picture
    look = struct.pack(">6xH16x2H2I4xH32x2H", 1, *size, 0x480000, 0x480000, 1, 24, 0xFFFF)
    return _box(b"avc1", look, _box(b"avcC", config))


def _box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _u32(len(body) + 8) + name + body


def _full(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(name, _u32(flags), *parts)


def _u32(number: int) -> bytes:
    return struct.pack(">I", number)
