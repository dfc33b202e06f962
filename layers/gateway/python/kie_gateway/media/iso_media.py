"""
MP4 and QuickTime: size and duration of a film.

Source: ISO/IEC 14496-12, boxes `mvhd`, `tkhd` and `hdlr`. Written here because libraries that read
them are native, or read tags of music only.
"""

import struct
from typing import BinaryIO

from kie_gateway.core.files.media_facts import NOTHING_KNOWN, MediaFacts
from kie_gateway.media.iso_boxes import Box, boxes, payload

_LARGEST_INDEX_BYTES = 16 * 1024 * 1024


def measure_iso(file: BinaryIO, size: int) -> MediaFacts:
    """Measure a film by its index. Raises OSError, struct.error for a broken one."""
    index = next((box for box in boxes(file, 0, size) if box.kind == b"moov"), None)
    if index is None or index.end - index.start > _LARGEST_INDEX_BYTES:
        return NOTHING_KNOWN
    duration: float | None = None
    width = height = None
    for box in boxes(file, index.start, index.end):
        if box.kind == b"mvhd":
            duration = _duration(payload(file, box))
        elif box.kind == b"trak":
            sides = _sides_of_film(file, box)
            if sides is not None and (width is None or sides[0] * sides[1] > width * (height or 0)):
                width, height = sides
    return MediaFacts(width, height, duration)


def _duration(header: bytes) -> float | None:
    if header[0] == 1:
        scale, units = struct.unpack_from(">IQ", header, 20)
    else:
        scale, units = struct.unpack_from(">II", header, 12)
    unknown = units in (0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
    return None if unknown or not scale else units / scale


def _sides_of_film(file: BinaryIO, track: Box) -> tuple[int, int] | None:
    sides, is_film = None, False
    for box in boxes(file, track.start, track.end):
        if box.kind == b"tkhd":
            sides = _sides(payload(file, box))
        elif box.kind == b"mdia":
            handlers = (one for one in boxes(file, box.start, box.end) if one.kind == b"hdlr")
            is_film = any(payload(file, one)[8:12] == b"vide" for one in handlers)
    return sides if is_film else None


def _sides(header: bytes) -> tuple[int, int] | None:
    matrix_at = 52 if header[0] == 1 else 40
    a, b = struct.unpack_from(">ii", header, matrix_at)
    width, height = (value >> 16 for value in struct.unpack_from(">II", header, matrix_at + 36))
    if not width or not height:
        return None
    # Turned by a quarter: the first row of the matrix points along the other axis.
    return (height, width) if a == 0 and b != 0 else (width, height)
