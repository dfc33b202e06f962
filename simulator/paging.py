"""Pages of long lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def page_of(records: Sequence[Any], body: Mapping[str, Any], *, most: int) -> dict[str, Any]:
    """Cut out the page that `pageNum` and `pageSize` name; sizes above `most` are cut to it."""
    size = min(_whole(body.get("pageSize"), most), most)
    current = _whole(body.get("pageNum"), 1)
    first = (current - 1) * size
    return {
        "records": list(records[first : first + size]),
        "total": len(records),
        "size": size,
        "current": current,
        "pages": -(-len(records) // size),
    }


def _whole(value: Any, usual: int) -> int:
    text = str(value)
    return int(text) if text.isdecimal() and int(text) > 0 else usual
