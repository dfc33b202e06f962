"""
Width, height and duration of a file, from its first and last bytes.

Most pictures are read by imagesize, most sounds by tinytag; both are small, pure Python, and
imported only when there is something to measure. What they cannot tell stays unknown: a measure is
never a reason to lose a result.
"""

import io
import logging
import re
import struct
from typing import BinaryIO, cast

from kie_gateway.core.files.media import AVIF, HEIC, SVG, MediaType
from kie_gateway.core.files.media_facts import NOTHING_KNOWN, MediaFacts
from kie_gateway.media.animation import is_animated
from kie_gateway.media.iso_media import measure_iso
from kie_gateway.media.iso_picture import measure_iso_picture
from kie_gateway.media.matroska import measure_matroska
from kie_gateway.media.ogg import measure_ogg
from kie_gateway.media.skimmed import Skimmed
from kie_gateway.media.wave import measure_wave

_log = logging.getLogger(__name__)

_ISO_TYPES = ("video/mp4", "video/quicktime", "audio/mp4")
_MATROSKA_TYPES = ("video/webm", "video/x-matroska")
_LARGEST_SIDE = 1_000_000
_LONGEST_SECONDS = 7 * 24 * 3600
_DRAWING = re.compile(rb"<svg\b[^>]*>", re.IGNORECASE)


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
            return _plausible(_picture(kind, file, start, size))
        if kind.media in ("video", "audio"):
            return _plausible(_film_or_sound(kind, file, size))
    except (OSError, ValueError, LookupError, struct.error) as error:
        _log.info("a %s was not measured: %s", kind.content_type, error)
    return NOTHING_KNOWN


def _picture(kind: MediaType, file: BinaryIO, start: bytes, size: int) -> MediaFacts:
    if kind in (AVIF, HEIC):
        sides = measure_iso_picture(file, size) or (None, None)
    else:
        import imagesize  # type: ignore[import-untyped]  # noqa: PLC0415 - untyped; costs 40 ms

        drawing = _DRAWING.search(start) if kind == SVG else None
        # Of a drawing its own size only: what it is made of has sizes too.
        sides = imagesize.get(io.BytesIO(drawing[0]) if drawing else file)
    width, height = sides
    return MediaFacts(width, height, animated=is_animated(kind.content_type, start, size))


def _film_or_sound(kind: MediaType, file: BinaryIO, size: int) -> MediaFacts:
    if kind.content_type in _ISO_TYPES:
        return measure_iso(file, size)
    if kind.content_type in _MATROSKA_TYPES:
        return measure_matroska(file, size)
    match kind.content_type:
        case "audio/ogg":
            return MediaFacts(duration_seconds=measure_ogg(file, size))
        case "audio/wav":
            return MediaFacts(duration_seconds=measure_wave(file, size))
        case "audio/mpeg" | "audio/flac":
            return MediaFacts(duration_seconds=_duration(file))
        case _:
            return NOTHING_KNOWN


def _duration(file: BinaryIO) -> float | None:
    from tinytag import TinyTag, TinyTagException  # noqa: PLC0415 - as above

    try:
        return TinyTag.get(file_obj=file, tags=False).duration
    except TinyTagException as error:
        raise ValueError(str(error)) from None


def _plausible(facts: MediaFacts) -> MediaFacts:
    """Leave out what no file has: broken ones claim anything, infinities among it."""
    width, height = facts.width or 0, facts.height or 0
    seconds = round(facts.duration_seconds or 0, 3)
    known = 1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE
    return MediaFacts(
        width=int(width) if known else None,
        height=int(height) if known else None,
        duration_seconds=seconds if 0 < seconds <= _LONGEST_SECONDS else None,
        animated=facts.animated,
    )
