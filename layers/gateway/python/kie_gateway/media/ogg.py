"""
Ogg (Vorbis, Opus, FLAC, Speex): duration of a sound.

Source: RFC 3533, RFC 7845 and the mappings of Vorbis, FLAC and Speex. Written here because tinytag
walks through the whole file, of which only the first and last bytes are kept.
"""

import struct
from typing import BinaryIO

# Of magic word, version, flags, position, stream, number, checksum and count of segments.
_PAGE = struct.Struct("<4sBBqIIIB")
_LARGEST_PAGE_BYTES = 65_307
_PAGE_START = b"OggS\0"
_NO_POSITION = -1


def measure_ogg(file: BinaryIO, size: int) -> float | None:
    """Return the duration in seconds. Raises OSError, struct.error for a broken file."""
    file.seek(0)
    *_, stream, _, _, segments = _PAGE.unpack(file.read(_PAGE.size))
    file.seek(_PAGE.size + segments)
    rate, skipped = _rate(file.read(64))
    position = _last_position(file, size, stream)
    return (position - skipped) / rate if rate and position is not None else None


def _rate(packet: bytes) -> tuple[int, int]:
    """Return the samples per second, and how many at the start are not played; 0 for unknown."""
    if packet.startswith(b"\x01vorbis"):
        return int.from_bytes(packet[12:16], "little"), 0
    if packet.startswith(b"OpusHead"):
        return 48_000, int.from_bytes(packet[10:12], "little")
    if packet.startswith(b"\x7fFLAC"):
        return int.from_bytes(packet[27:30]) >> 4, 0
    if packet.startswith(b"Speex   "):
        return int.from_bytes(packet[36:40], "little"), 0
    return 0, 0


def _last_position(file: BinaryIO, size: int, stream: int) -> int | None:
    """Find how many samples the last page of a stream ends behind."""
    file.seek(max(size - 2 * _LARGEST_PAGE_BYTES, 0))
    tail = file.read(2 * _LARGEST_PAGE_BYTES)
    at = tail.rfind(_PAGE_START)
    while at >= 0:
        if at + _PAGE.size <= len(tail):
            _, _, _, position, found, *_ = _PAGE.unpack_from(tail, at)
            if found == stream and position != _NO_POSITION:
                return int(position)
        at = tail.rfind(_PAGE_START, 0, at)
    return None
