"""Whether a picture moves, told from its first bytes."""

import struct


def is_animated(content_type: str, start: bytes) -> bool:
    """Tell whether a picture has more than one frame."""
    match content_type:
        case "image/png":
            # The control chunk of animations stands before the picture's data.
            return b"acTL" in start[: start.find(b"IDAT") if b"IDAT" in start else len(start)]
        case "image/webp":
            return start[12:16] == b"VP8X" and bool(start[20] & 0x02)
        case "image/gif":
            return _gif_frames(start) > 1
        case "image/avif":
            return start[8:12] == b"avis"
        case _:
            return False


def _gif_frames(data: bytes) -> int:
    """Count the frames of a GIF, two at most: walk its blocks, as far as they are at hand."""
    frames = 0
    try:
        at = 13 + _table_bytes(data[10])
        while frames < 2:
            match data[at]:
                case 0x21:
                    at = _skip_blocks(data, at + 2)
                case 0x2C:
                    frames += 1
                    at = _skip_blocks(data, at + 10 + _table_bytes(data[at + 9]) + 1)
                case _:
                    break
    except (IndexError, struct.error):
        pass
    return frames


def _table_bytes(flags: int) -> int:
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _skip_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1
