"""Pictures: the prompt on a coloured ground."""

from __future__ import annotations

import io
import math
import re
import textwrap
import zlib
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIDES = {"512": 512, "1K": 1024, "1.5K": 1536, "2K": 2048, "4K": 4096}
_RATIO = re.compile(r"(\d{1,2})[:_](\d{1,2})$")
_SHAPE_FIELDS = ("aspect_ratio", "aspectRatio", "ratio", "image_size", "size")
_MOST_LETTERS = 400


def picture(words: str, name: str, size: tuple[int, int], *, is_jpeg: bool) -> bytes:
    """Draw a PNG or a JPEG."""
    return encode(draw(words, name, size), "JPEG" if is_jpeg else "PNG")


def picture_size(given: Mapping[str, Any]) -> tuple[int, int]:
    """Choose width and height from ratio and resolution, whatever a family calls them."""
    wanted = given.get("resolution") or given.get("image_resolution") or given.get("size")
    side = _SIDES.get(str(wanted).upper(), 1024)
    shape = math.sqrt(shape_asked(given))
    return _even(side * shape), _even(side / shape)


def shape_asked(given: Mapping[str, Any], usual: float = 1.0) -> float:
    """Read width divided by height: `16:9`, `landscape_16_9`, `portrait_16_9`."""
    named = (str(given.get(name) or "") for name in _SHAPE_FIELDS)
    for text in named:
        found = _RATIO.search(text)
        if found and int(found[1]) and int(found[2]):
            shape = int(found[1]) / int(found[2])
            return 1 / shape if text.startswith("portrait") and shape > 1 else shape
    return usual


def draw(words: str, name: str, size: tuple[int, int]) -> Image.Image:
    """Write words on a ground whose colour follows from the name, and the name below them."""
    width, height = size
    hue = zlib.crc32(name.encode()) % 360
    image = Image.new("RGB", size, f"hsl({hue}, 45%, 35%)")
    pen = ImageDraw.Draw(image)
    letter = max(min(size) // 18, 10)
    per_line = max(int(width * 0.85 / (letter * 0.55)), 8)
    lines = textwrap.fill(words[:_MOST_LETTERS] or "(no prompt)", per_line)
    middle, small = (width / 2, height / 2), max(letter // 2, 9)
    pen.multiline_text(middle, lines, "white", _font(letter), anchor="mm", align="center")
    pen.text((width / 2, height - small), name, f"hsl({hue}, 60%, 80%)", _font(small), anchor="ms")
    return image


def encode(image: Image.Image, image_format: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, quality=85)
    return buffer.getvalue()


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _even(length: float) -> int:
    return max(round(length / 8) * 8, 8)
