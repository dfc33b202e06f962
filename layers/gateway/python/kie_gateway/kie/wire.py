"""Readers for values that Kie.ai writes in more than one way."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

_MAX_DECODINGS = 4
_DEEPEST = 6
# Kie's have 32 to 40 characters.
_LONGEST_ID = 200
# Anything else is no link that could be followed, whatever it starts with. Spaces may stand before
# the end of a file's name: more words than that make a sentence that begins with a link.
_LINK = re.compile(
    r"https?://(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?"
    r"(?:[/?#]\S*|/[^\s?#]*(?: +[^\s?#]+)+\.\w{2,5}(?:\?\S*)?)?",
    re.IGNORECASE,
)
_INLINE = re.compile(r"data:[\w./+-]*(?:;[\w.=+-]+)*,\S*", re.IGNORECASE)
# As Kie writes them (`kie/families` name their places); nothing else is taken for one.
_BARE_ID = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:\w+_)?task_\w{6,80}"
)
_NAMED_ID = re.compile(rb'"(?:taskId|task_id)"\s*:\s*"([\w-]{6,100})"')
_HTML = re.compile(rb"\s*(?:<!doctype html|<html|<head|<body|<title|<center|<h1)", re.IGNORECASE)
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


def links(value: Any, depth: int = 0, *, inline: bool = False) -> Iterator[str]:
    """
    Find the links in a list, an object or a string, in order; nested at most 6 deep.

    Spaces come out as `%20`.

    Args:
        inline: Find `data:` URLs, which hold the file, as well.
    """
    value = decoded(value)
    match value:
        case str() if is_link(value, inline=inline):
            yield value.strip().replace(" ", "%20")
        case list() if depth < _DEEPEST:
            for one in value:
                yield from links(one, depth + 1, inline=inline)
        case dict() if depth < _DEEPEST:
            named = value.get("resultUrl") or value.get("url")
            for one in (named,) if named else value.values():
                yield from links(one, depth + 1, inline=inline)
        case _:
            return


def is_link(text: str, *, inline: bool = False) -> bool:
    """Whether a text is a link and nothing else."""
    text = text.strip()
    found = _INLINE if inline and text[:5].lower() == "data:" else _LINK
    return found.fullmatch(text) is not None


def is_html(raw: bytes) -> bool:
    """Whether a body is a page for people."""
    return _HTML.match(raw) is not None


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
                found = task_id(holder.get(key))
                if found is not None:
                    yield found


def task_id(value: Any) -> str | None:
    """Read an id; None for what is none: it becomes the key of an index, which has its bounds."""
    found = text(value)
    if found is None or len(found) > _LONGEST_ID:
        return None
    return found if found.isascii() and found.isprintable() else None


def bare_ids(body: Any) -> Iterator[str]:
    """Find ids of new tasks where no page shows them: `recordId`, a bare `data`, a list in it."""
    data = decoded(body.get("data")) if isinstance(body, dict) else None
    for one in data if isinstance(data, list) else [data]:
        if isinstance(one, dict):
            for key in ("taskId", "task_id", "recordId"):
                found = task_id(one.get(key))
                if found is not None:
                    yield found
        elif isinstance(one, str) and _BARE_ID.fullmatch(one):
            yield one


def id_in_cut_off(raw: bytes) -> str | None:
    """Find a task's id in a body that broke off after naming it."""
    found = None if is_html(raw) else _NAMED_ID.search(raw)
    return found[1].decode() if found else None


def message_of(body: Any) -> str:
    """Read Kie's words from an envelope: `msg`, in older bodies `message`."""
    if not isinstance(body, dict):
        return ""
    return text(body.get("msg")) or text(body.get("message")) or ""


def code_of(body: Any) -> str | None:
    """Read the envelope's code as text; 0 and absent mean success to some endpoints."""
    return text(body.get("code")) if isinstance(body, dict) else None
