"""
Width, height and duration of a file, from its first and last bytes.

Pictures are read by imagesize, sound by tinytag; both are small, pure Python, and imported only
when there is something to measure. What they cannot tell stays unknown: a measure is never a reason
to lose a result.
"""

import logging
import struct
from typing import BinaryIO, cast

from kie_gateway.core.media import MediaType
from kie_gateway.core.media_facts import NOTHING_KNOWN, MediaFacts
from kie_gateway.media.animation import is_animated
from kie_gateway.media.iso_media import measure_iso
from kie_gateway.media.matroska import measure_matroska
from kie_gateway.media.skimmed import Skimmed

_log = logging.getLogger(__name__)

_ISO_TYPES = ("video/mp4", "video/quicktime")
_MATROSKA_TYPES = ("video/webm", "video/x-matroska")
_LARGEST_SIDE = 1_000_000


def measure(kind: MediaType, start: bytes, end: bytes, size: int) -> MediaFacts:
    """
    Measure a file.

    Args:
        start: Its first bytes.
        end: Its last bytes; may overlap.
        size: Of the whole file, in bytes.
    """
    file = cast("BinaryIO", Skimmed(start, end, size))
    try:
        if kind.media == "image":
            return _picture(kind, file, start)
        # Raw AAC frames tell nothing of the whole.
        if kind.media == "audio" and kind.content_type != "audio/aac":
            return MediaFacts(duration_seconds=_duration(file))
        if kind.content_type in _ISO_TYPES:
            return measure_iso(file, size)
        if kind.content_type in _MATROSKA_TYPES:
            return measure_matroska(file, size)
    except (OSError, ValueError, LookupError, struct.error) as error:
        _log.info("a %s was not measured: %s", kind.content_type, error)
    return NOTHING_KNOWN


def _picture(kind: MediaType, file: BinaryIO, start: bytes) -> MediaFacts:
    import imagesize  # type: ignore[import-untyped]  # noqa: PLC0415 - untyped; costs 40 ms

    width, height = imagesize.get(file)
    known = 0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE
    return MediaFacts(
        width=int(width) if known else None,
        height=int(height) if known else None,
        animated=is_animated(kind.content_type, start),
    )


def _duration(file: BinaryIO) -> float | None:
    from tinytag import TinyTag, TinyTagException  # noqa: PLC0415 - as above

    try:
        seconds = TinyTag.get(file_obj=file, tags=False).duration
    except TinyTagException as error:
        raise ValueError(str(error)) from None
    return round(seconds, 3) if seconds else None
