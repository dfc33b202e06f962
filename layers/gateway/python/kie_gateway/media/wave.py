"""
WAV: duration of a sound.

Written here because the length in the header is often none: who streams a WAV does not know it
yet, and libraries take what stands there for hours of sound.
"""

import struct
from typing import BinaryIO

_CHUNK = struct.Struct("<4sI")
_FIRST_CHUNK_AT = 12


def measure_wave(file: BinaryIO, size: int) -> float | None:
    """Return the duration in seconds. Raises OSError, struct.error for a broken file."""
    bytes_per_second, at = 0, _FIRST_CHUNK_AT
    while at + _CHUNK.size <= size:
        file.seek(at)
        kind, length = _CHUNK.unpack(file.read(_CHUNK.size))
        at += _CHUNK.size
        if kind == b"fmt ":
            (bytes_per_second,) = struct.unpack_from("<I", file.read(16), 8)
        elif kind == b"data":
            there = size - at
            sound_bytes = length if 0 < length <= there else there
            return sound_bytes / bytes_per_second if bytes_per_second else None
        # Chunks begin at even places.
        at += length + length % 2
    return None
