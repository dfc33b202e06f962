"""Readers for values that Kie.ai writes in more than one way."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

_MAX_DECODINGS = 4
_DEEPEST = 6
# Anything else is no link that could be followed, whatever it starts with.
_LINK = re.compile(r"https?://(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:[/?#]\S*)?", re.IGNORECASE)
# Numbers above this are milliseconds: as seconds they would lie beyond the year 5000.
_MILLISECONDS_FROM = 100_000_000_000


def parse(raw: bytes) -> Any:
    """Parse a body as JSON; None if it is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def decoded(value: Any) -> Any:
    """Undo JSON within JSON, as often as it was done (seen: up to twice)."""
    for _ in range(_MAX_DECODINGS):
        if not isinstance(value, str) or not value.strip().startswith(("{", "[", '"')):
            return value
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def text(value: Any) -> str | None:
    """Read a code, a word or a message, whatever type it came as; None if empty."""
    if value is None or isinstance(value, dict | list | bool):
        return None
    return str(value).strip() or None


def number(value: Any) -> float | None:
    """Read an amount that may come as a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = float(value)
    except ValueError:
        return None
    return amount if abs(amount) < 1e15 else None


def moment(value: Any) -> datetime | None:
    """Read a time in milliseconds, seconds or ISO 8601; None if it is none of them."""
    amount = number(value)
    if amount is not None and amount > 0:
        seconds = amount / 1000 if amount > _MILLISECONDS_FROM else amount
        return datetime.fromtimestamp(seconds, tz=UTC) if seconds < 2e10 else None
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def links(value: Any, depth: int = 0) -> Iterator[str]:
    """Find the http links in a list, an object or a string, in order; nested at most 6 deep."""
    value = decoded(value)
    match value:
        case str() if _LINK.fullmatch(value.strip()):
            yield value.strip()
        case list() if depth < _DEEPEST:
            for one in value:
                yield from links(one, depth + 1)
        case dict() if depth < _DEEPEST:
            named = value.get("resultUrl") or value.get("url")
            for one in (named,) if named else value.values():
                yield from links(one, depth + 1)
        case _:
            return


def task_ids(body: Any) -> Iterator[str]:
    """
    Find the ids of Kie's tasks that a body may be about.

    Documented are `data.task_id` (Suno, Runway), `data.taskId` (Market, Veo, 4o, Flux, MIDI, cover)
    and `taskId` on top (Aleph); Kie's page on signatures reads the first.
    """
    body = decoded(body)
    if not isinstance(body, dict):
        return
    for holder in (decoded(body.get("data")), body):
        if isinstance(holder, dict):
            for key in ("task_id", "taskId"):
                found = text(holder.get(key))
                if found is not None:
                    yield found


def message_of(body: Any) -> str:
    """Read Kie's words from an envelope: `msg`, in older bodies `message`."""
    if not isinstance(body, dict):
        return ""
    return text(body.get("msg")) or text(body.get("message")) or ""


def code_of(body: Any) -> str | None:
    """Read the envelope's code as text; 0 and absent mean success to some endpoints."""
    return text(body.get("code")) if isinstance(body, dict) else None
