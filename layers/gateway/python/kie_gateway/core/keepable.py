"""
What is kept of texts and objects from outside: as much as fits, and nothing that cannot be written.

DynamoDB takes UTF-8 only, and items of 400 KB
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html), so whatever
comes in has a bounded size in the record, which leaves room for all that will be written later.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

# Kie's longest explanations have some hundred characters.
WORDS = 2000
_SURROGATE = re.compile("[\ud800-\udfff]")
_CUT = "…"
# Of an excerpt: what single values are cut to.
_STRING = 200
_ITEMS = 10
_FIELDS = 20
_DEEPEST = 4


def keepable(text: str, longest: int = WORDS) -> str:
    """
    Make a text one that can be written.

    Half a character (a lone surrogate, which JSON can spell and UTF-8 cannot) becomes U+FFFD; what
    is longer than `longest` characters is cut and ends in an ellipsis.
    """
    whole = _SURROGATE.sub("\ufffd", text)
    return whole if len(whole) <= longest else whole[: longest - 1] + _CUT


def size_of(value: Any) -> int:
    """Measure a value as it is written: compact JSON, in bytes."""
    return len(
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    )


def excerpt(
    values: Mapping[str, Any], most_bytes: int, longest_text: int = _STRING
) -> dict[str, Any]:
    """
    Take of an object what fits.

    Numbers, words and short texts come first: they say what was asked for. Long texts, lists and
    objects are cut short; what does not fit even so is left out.

    Args:
        longest_text: Of its own texts; those further down are cut shorter.

    Returns:
        A part of the object in its order, of at most `most_bytes` as compact JSON.
    """
    left, kept = most_bytes - len("{}"), dict[str, Any]()
    for is_short in (True, False):
        for name, value in values.items():
            if name in kept or _is_short(value) is not is_short:
                continue
            part = keepable(value, longest_text) if isinstance(value, str) else _cut(value)
            # With a colon and a comma.
            size = size_of(name) + size_of(part) + 2
            if size <= left:
                kept[name] = part
                left -= size
    return {name: kept[name] for name in values if name in kept}


def _is_short(value: Any) -> bool:
    return not isinstance(value, dict | list) and not (
        isinstance(value, str) and len(value) > _STRING
    )


def _cut(value: Any, depth: int = 0) -> Any:
    match value:
        case str():
            return keepable(value, _STRING)
        case list() | dict() if depth == _DEEPEST:
            return _CUT
        case list():
            return [_cut(one, depth + 1) for one in value[:_ITEMS]]
        case dict():
            return dict(_cut_fields(value, depth))
        case _:
            return value


def _cut_fields(values: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in list(values.items())[:_FIELDS]:
        yield keepable(str(name), _STRING), _cut(value, depth + 1)
