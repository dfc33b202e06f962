"""
WebM and Matroska: size and duration of a film.

Source: RFC 8794 (EBML) and RFC 9559 (Matroska), elements Segment, Info and Tracks, which writers
put before the film itself.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from kie_gateway.core.files.media_facts import MediaFacts

_SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_TRACK, _VIDEO, _WIDTH, _HEIGHT = 0xAE, 0xE0, 0xB0, 0xBA
_NANOSECONDS = 1_000_000_000
_LONGEST_VALUE = 8


def measure_matroska(file: BinaryIO, size: int) -> MediaFacts:
    """Measure a film by its head. Raises OSError, struct.error, ValueError for a broken one."""
    width = height = None
    duration: float | None = None
    for kind, start, end in _elements(file, *_segment(file, size)):
        if kind == _CLUSTER:
            break
        if kind == _INFO:
            duration = _duration(file, start, end)
        elif kind == _TRACKS:
            for track, track_start, track_end in _elements(file, start, end):
                if track == _TRACK:
                    width, height = _sides(file, track_start, track_end) or (width, height)
    return MediaFacts(width, height, duration)


def _segment(file: BinaryIO, size: int) -> tuple[int, int]:
    for kind, start, end in _elements(file, 0, size):
        if kind == _SEGMENT:
            return start, end
    return size, size


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    while start < end:
        file.seek(start)
        kind = _number(file, keep_marker=True)
        length = _number(file, keep_marker=False)
        payload = file.tell()
        stop = end if length is None else min(payload + length, end)
        yield kind or 0, payload, stop
        start = stop


def _number(file: BinaryIO, *, keep_marker: bool) -> int | None:
    """Read a number of variable length; None for the one that stands for "unknown"."""
    first = file.read(1)
    if not first or not first[0]:
        raise ValueError("no EBML number")
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    value = int.from_bytes(first + rest)
    if keep_marker:
        return value
    bits = value & ((1 << 7 * length) - 1)
    return None if bits == (1 << 7 * length) - 1 else bits


def _duration(file: BinaryIO, start: int, end: int) -> float | None:
    scale, units = 1_000_000, None
    for kind, at, stop in _elements(file, start, end):
        if kind == _SCALE:
            scale = int.from_bytes(_value(file, at, stop))
        elif kind == _DURATION:
            (units,) = struct.unpack(">f" if stop - at == 4 else ">d", _value(file, at, stop))
    return units * scale / _NANOSECONDS if units else None


def _sides(file: BinaryIO, start: int, end: int) -> tuple[int, int] | None:
    for kind, at, stop in _elements(file, start, end):
        if kind == _VIDEO:
            values = {
                name: int.from_bytes(_value(file, value_at, value_stop))
                for name, value_at, value_stop in _elements(file, at, stop)
                if name in (_WIDTH, _HEIGHT)
            }
            return values[_WIDTH], values[_HEIGHT]
    return None


def _value(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(min(end - start, _LONGEST_VALUE))
