"""Boxes, of which MP4, QuickTime, AVIF and HEIC files are made (ISO/IEC 14496-12)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_HEADER = struct.Struct(">I4s")
_LONGEST_PAYLOAD = 4096


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its name, and where its content lies."""

    kind: bytes
    start: int
    end: int


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Walk over the boxes between two places. Raises OSError, struct.error for broken ones."""
    while start + _HEADER.size <= end:
        file.seek(start)
        length, kind = _HEADER.unpack(file.read(_HEADER.size))
        content = start + _HEADER.size
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            content += 8
        elif length == 0:
            length = end - start
        if length < content - start:
            return
        yield Box(kind, content, min(start + length, end))
        start += length


def payload(file: BinaryIO, box: Box) -> bytes:
    """Read the content of a box, or its beginning if it is long."""
    file.seek(box.start)
    return file.read(min(box.end - box.start, _LONGEST_PAYLOAD))
