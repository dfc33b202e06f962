"""The shapes of records: usual ones, and those that clients of Kie.ai have met besides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from simulator.snapshot import json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.snapshot import Snapshot

    type Record = dict[str, Any]

_LINK_KEY = re.compile(r".*(?:url|urls|images)", re.IGNORECASE)
_REQUEST_KEYS = ("param", "paramJson", "promptJson")


def shaped(snapshot: Snapshot, holder: Record) -> Record:
    """Shape the links among a result's fields as dials want them."""
    dials = snapshot.dials
    shape = _LINK_SHAPES.get(dials.word("result links"), _same)
    found = {key: shape(value) if _is_link(key) else value for key, value in holder.items()}
    if dials.has("result key"):
        found = _with_one_key(found, dials.word("result key"))
    if dials.on("result snake"):
        found = {snake(key): value for key, value in found.items()}
    if snapshot.event and dials.on("webhook strings"):
        texts = {key: json_text(v) for key, v in found.items() if isinstance(v, list)}
        found = {**found, **texts}
    return {"data": found} if dials.on("result nested") else found


def encoded(snapshot: Snapshot, holder: Any, usual: str = "object") -> Any:
    """Encode a result as its family does (`text` or `object`), or as a dial wants it."""
    match snapshot.dials.word("result encoding") or usual:
        case "double":
            return json_text(json_text(holder))
        case "text":
            return json_text(holder)
        case _:
            return holder


def response(snapshot: Snapshot, holder: Callable[[], Record]) -> Any:
    """Write a family's `response`: null until there is one."""
    if snapshot.is_stuck:
        return {key: None for key in holder() if _is_link(key)}
    return encoded(snapshot, shaped(snapshot, holder())) if snapshot.has_result else None


def bent(snapshot: Snapshot, record: Record) -> Record:
    """Bend a finished record as dials want it."""
    dials, found = snapshot.dials, dict(record)
    if dials.on("flag string") and "successFlag" in found:
        found["successFlag"] = str(found["successFlag"])
    if dials.on("param broken"):
        texts = {key: found[key] for key in _REQUEST_KEYS if isinstance(found.get(key), str)}
        found |= {key: f"{text[: len(text) // 2]}..." for key, text in texts.items()}
    if dials.has("progress"):
        found["progress"] = _progress(snapshot.progress, dials.word("progress"))
    if dials.has("credits") and "creditsConsumed" in found:
        consumed = found.pop("creditsConsumed")
        found |= _credits(snapshot, consumed)
    return found


def error(snapshot: Snapshot, *, code: int | None = None, message: Any = "") -> Record:
    """Write `errorCode` and `errorMessage`, as most families have them."""
    failure = snapshot.failure
    if failure:
        return {"errorCode": failure.number, "errorMessage": failure.message}
    return {"errorCode": code, "errorMessage": message}


def snake(name: str) -> str:
    """Write `resultUrls` as `result_urls`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _is_link(key: str) -> bool:
    return _LINK_KEY.fullmatch(key) is not None


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.get("resultUrl") if isinstance(value, dict) else value


def _first(value: Any) -> Any:
    plain = _plain(value)
    return (plain[0] if plain else None) if isinstance(plain, list) else plain


def _objects(value: Any) -> Any:
    plain = _plain(value)
    if isinstance(plain, list):
        return [{"resultUrl": one} for one in plain]
    return {"resultUrl": plain}


def _same(value: Any) -> Any:
    return value


_LINK_SHAPES: dict[str, Callable[[Any], Any]] = {
    "null": lambda _: None,
    "string": _first,
    "objects": _objects,
}


def _with_one_key(holder: Record, name: str) -> Record:
    links = [value for key, value in holder.items() if _is_link(key)]
    others = {key: value for key, value in holder.items() if not _is_link(key)}
    return {name: _first(links[0]) if links else None, **others}


def _progress(share: float, style: str) -> int | float | str:
    if style == "percent":
        return round(share * 100)
    return round(share, 2) if style == "share" else f"{share:.2f}"


def _credits(snapshot: Snapshot, consumed: float) -> Record:
    shapes: dict[str, Record] = {
        "string": {"creditsConsumed": f"{consumed:.2f}"},
        "old": {"consumeCredits": consumed, "remainedCredits": snapshot.balance},
        "snake": {"credits_consumed": consumed},
        "none": {},
    }
    return shapes[snapshot.dials.word("credits")]
