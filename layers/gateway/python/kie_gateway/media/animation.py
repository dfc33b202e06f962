"""Whether a picture moves, told from its first bytes."""


def is_animated(content_type: str, start: bytes, size: int) -> bool | None:
    """
    Return whether a picture has more than one frame; None if its first bytes do not show it.

    Args:
        size: Of the whole file, in bytes.
    """
    match content_type:
        case "image/png":
            # The control chunk of animations stands before the picture's data.
            return b"acTL" in start[: start.find(b"IDAT") if b"IDAT" in start else len(start)]
        case "image/webp":
            return start[12:16] == b"VP8X" and bool(start[20] & 0x02)
        case "image/gif":
            frames, is_cut = _gif_frames(start)
            return None if is_cut and frames < 2 and len(start) < size else frames > 1
        case "image/avif":
            return start[8:12] == b"avis"
        case _:
            return False


def _gif_frames(data: bytes) -> tuple[int, bool]:
    """Count the frames of a GIF, two at most, and say whether its blocks went on behind the end."""
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
    except IndexError:
        return frames, True
    return frames, False


def _table_bytes(flags: int) -> int:
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _skip_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1
