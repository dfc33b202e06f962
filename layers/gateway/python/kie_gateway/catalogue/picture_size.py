"""How a model is asked for a picture of at least a size: in the nearest shape that it offers."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kie_gateway.catalogue.catalogue import Model

_SHAPE_FIELDS = ("aspect_ratio", "aspectRatio", "ratio", "image_size", "size")
_SIZE_FIELDS = ("resolution", "image_resolution", "size")
_RATIO = re.compile(r"(\d{1,2}):(\d{1,2})")
_NAMED_RATIO = re.compile(r"(portrait|landscape)_(\d{1,2})_(\d{1,2})")
_THOUSANDS = re.compile(r"(\d(?:\.\d)?)K", re.IGNORECASE)


def sized(model: Model, width: int, height: int, given: Mapping[str, Any]) -> dict[str, str] | None:
    """
    Return the fields of an input that ask for a picture of at least a size.

    Args:
        given: An input that may have chosen a shape, which stays, or a size, which may grow.

    Returns:
        As far as the model has such fields; None if it says that it makes no picture so large.
    """
    shapes = {key: word for key, word in _shapes(model) if given.get(key[0], word) == word}
    fields: dict[str, str] = {}
    ratio = width / height
    if shapes:
        nearest = min(shapes, key=lambda shape: abs(math.log(shape[1] / ratio)))
        fields[nearest[0]] = shapes[nearest]
        ratio = nearest[1]
    name, sides = _sides(model)
    if name is None or name in fields:
        return fields
    # A model's 2K is a square of that side, or another shape of as many pixels.
    chosen = next((side for side, word in sides if word == given.get(name)), 0.0)
    needed = max(width / math.sqrt(ratio), height * math.sqrt(ratio), chosen)
    enough = [(side, word) for side, word in sides if side >= needed]
    return {**fields, name: min(enough)[1]} if enough else None


def _shapes(model: Model) -> Iterator[tuple[tuple[str, float], str]]:
    """List the shapes that the first field for them offers, by field and width by height."""
    for name in _SHAPE_FIELDS:
        found = [(ratio, word) for word in _words(model, name) if (ratio := _ratio(word))]
        if found:
            yield from (((name, ratio), word) for ratio, word in found)
            return


def _ratio(word: str) -> float | None:
    if word in ("square", "square_hd"):
        return 1.0
    if found := _RATIO.fullmatch(word):
        return int(found[1]) / int(found[2])
    if named := _NAMED_RATIO.fullmatch(word):
        sides = sorted((int(named[2]), int(named[3])), reverse=named[1] == "landscape")
        return sides[0] / sides[1]
    return None


def _sides(model: Model) -> tuple[str | None, Sequence[tuple[float, str]]]:
    """Find the field that says how large, and what it offers."""
    for name in _SIZE_FIELDS:
        found = ((_THOUSANDS.fullmatch(word), word) for word in _words(model, name))
        sides = [(float(match[1]) * 1024, word) for match, word in found if match]
        if sides:
            return name, sides
    return None, ()


def _words(model: Model, name: str) -> list[str]:
    schema: Mapping[str, Any] = next(model.properties(name), {})
    return [word for word in schema.get("enum", ()) if isinstance(word, str)]
