"""What webhooks say, and how dials change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.shapes import bent

if TYPE_CHECKING:
    from simulator.snapshot import Snapshot

    type Body = dict[str, Any]

_ID_KEYS = ("task_id", "taskId")
_LITTLE = {*_ID_KEYS, "model", "state", "param", "failCode", "failMsg", "callbackType"}


def webhook_body(body: Body, snapshot: Snapshot) -> Body:
    """Change a family's webhook as dials want it."""
    dials, found = snapshot.dials, dict(body)
    if isinstance(found.get("data"), dict):
        found["data"] = bent(snapshot, found["data"])
    if snapshot.failure and dials.has("webhook code"):
        found["code"] = int(dials.number("webhook code"))
    if dials.on("webhook minimal") and isinstance(found.get("data"), dict):
        found["data"] = {key: value for key, value in found["data"].items() if key in _LITTLE}
    if dials.on("webhook other id"):
        found = _with_other_id(found)
    if dials.on("webhook flat"):
        data = found.pop("data", None) or {}
        found = {key: value for key, value in found.items() if key not in {"code", "msg"}} | data
    return found


def task_id_in(body: Body) -> str | None:
    """Find the task that a body names, in the order in which Kie.ai's guide looks."""
    data = body.get("data")
    holders = [holder for holder in (data, body) if isinstance(holder, dict)]
    found = (holder.get(key) for holder in holders for key in _ID_KEYS)
    return next((name for name in found if isinstance(name, str)), None)


def failure_code(snapshot: Snapshot, known: tuple[int, ...], usual: int) -> int:
    """Choose the envelope's code for a failure among those that a family has."""
    number = snapshot.failure.number if snapshot.failure else None
    return number if number in known else usual


def _with_other_id(body: Body) -> Body:
    def changed(holder: Body) -> Body:
        return {k: v[::-1] if k in _ID_KEYS else v for k, v in holder.items()}

    data = body.get("data")
    return changed(body) | ({"data": changed(data)} if isinstance(data, dict) else {})
