"""Times, which every family of Kie.ai writes in its own way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

type Style = Literal["ms", "ms whole", "s", "iso", "iso ms", "string"]

_PER_SECOND = {"ms": 1000, "s": 1}
_PATTERNS = {"iso": "%Y-%m-%dT%H:%M:%SZ", "string": "%Y-%m-%d %H:%M:%S"}


def written(at: float | None, style: str) -> int | str | None:
    """Write a time; zones are never told, so all are UTC."""
    if at is None:
        return None
    if style == "ms whole":
        return int(at) * 1000
    if style in _PER_SECOND:
        return int(at * _PER_SECOND[style])
    moment = datetime.fromtimestamp(at, UTC)
    if style in _PATTERNS:
        return moment.strftime(_PATTERNS[style])
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
