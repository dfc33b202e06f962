"""
When a picture is only a preview of what was asked for.

Kie.ai has named a 360x360 thumbnail as the result of a 2048x1152 cover, with the real picture to
follow. The rule is made so that it never keeps a real result back: models take liberties with
sizes, so only what is far below the request counts as a preview.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kie_gateway.core.files.media_facts import MediaFacts

# Below this share of the pixels asked for, a picture is a preview.
_SHARE = 0.25
# No picture of a side longer than this is a preview, however much larger it should have been.
_LARGEST_PREVIEW_SIDE = 1024
# A wrong ratio alone proves nothing in a large picture.
_LARGEST_THUMBNAIL_SIDE = 512
_RATIO_TOLERANCE = 1.25
# Models round a side to a multiple of their own.
_SHARE_OF_SIDE = 0.95

_SIZE = re.compile(r"(\d{2,5})\s*[x*]\s*(\d{2,5})", re.IGNORECASE)
_RATIO = re.compile(r"(\d{1,2}):(\d{1,2})")
_NAMED_RATIO = re.compile(r"(?:portrait|landscape)_(\d{1,2})_(\d{1,2})")
_THOUSANDS = re.compile(r"(\d(?:\.\d)?)k", re.IGNORECASE)
_RATIO_FIELDS = ("aspect_ratio", "aspectRatio", "ratio", "image_size", "size")
_SIZE_FIELDS = ("size", "image_size", "resolution")
_RESOLUTION_FIELDS = ("resolution", "image_resolution", "imageResolution", "size")


@dataclass(frozen=True)
class Wanted:
    """
    What was asked for.

    Attributes:
        pixels: In all, None where nothing was said.
        ratio: Width by height, the same.
        least: Width and height that a picture must have to count, the same.
        is_strict: Whether `least` holds for pictures of every size, and to the pixel: nobody waits
            for a larger one.
    """

    pixels: float | None = None
    ratio: float | None = None
    least: tuple[int, int] | None = None
    is_strict: bool = False


def wanted(task_input: Mapping[str, Any], minimum: tuple[int, int] | None = None) -> Wanted:
    """
    Read the size that an input asks for.

    Args:
        minimum: Smallest width and height that the model is known to deliver.
    """
    size = _first_match(_SIZE, task_input, _SIZE_FIELDS) or _sides(task_input)
    ratio = _first_match(_RATIO, task_input, _RATIO_FIELDS) or _first_match(
        _NAMED_RATIO, task_input, _RATIO_FIELDS
    )
    pixels: float | None = None
    if size is not None:
        pixels = size[0] * size[1]
        ratio = size
    elif thousands := _first(_THOUSANDS, task_input, _RESOLUTION_FIELDS):
        pixels = (float(thousands[1]) * 1024) ** 2
    elif minimum is not None:
        pixels = minimum[0] * minimum[1] / _SHARE
    return Wanted(pixels, ratio[0] / ratio[1] if ratio and all(ratio) else None)


def why_preview(facts: MediaFacts, asked: Wanted) -> str | None:
    """Return why a picture is only a preview; None for a result."""
    if asked.is_strict and asked.least is not None:
        is_small = is_smaller(facts.width, facts.height, asked.least)
        return "it is smaller than requested" if is_small else None
    if not facts.width or not facts.height:
        return None
    if max(facts.width, facts.height) > _LARGEST_PREVIEW_SIDE:
        return None
    reason = _why_small(facts.width, facts.height, asked)
    return f"{facts.width}x{facts.height} {reason}" if reason else None


def _why_small(width: int, height: int, asked: Wanted) -> str | None:
    if asked.pixels is not None and width * height < asked.pixels * _SHARE:
        return "is far smaller than requested"
    if asked.least is not None and is_smaller(width, height, asked.least, _SHARE_OF_SIDE):
        return "is smaller than requested"
    if asked.ratio is None or max(width, height) > _LARGEST_THUMBNAIL_SIDE:
        return None
    if abs(math.log(width / height / asked.ratio)) > math.log(_RATIO_TOLERANCE):
        return "is a small picture with a different aspect ratio than requested"
    return None


def is_smaller(
    width: int | None, height: int | None, least: tuple[int, int], share: float = 1.0
) -> bool:
    """
    Whether a picture is smaller than it must be; so is one of which nothing is known.

    Args:
        share: How much of each side will do.
    """
    return (width or 0) < least[0] * share or (height or 0) < least[1] * share


def _first(
    pattern: re.Pattern[str], task_input: Mapping[str, Any], names: tuple[str, ...]
) -> re.Match[str] | None:
    for name in names:
        value = task_input.get(name)
        if isinstance(value, str) and (found := pattern.fullmatch(value.strip())):
            return found
    return None


def _first_match(
    pattern: re.Pattern[str], task_input: Mapping[str, Any], names: tuple[str, ...]
) -> tuple[int, int] | None:
    found = _first(pattern, task_input, names)
    if found is None:
        return None
    first, second = int(found[1]), int(found[2])
    if pattern is _NAMED_RATIO:
        # `portrait_16_9` is 9 wide and 16 high.
        return (second, first) if found.string.startswith("portrait") else (first, second)
    return first, second


def _sides(task_input: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = task_input.get("width"), task_input.get("height")
    both = isinstance(width, int) and isinstance(height, int)
    return (width, height) if both and width > 0 and height > 0 else None  # type: ignore[operator,return-value]
