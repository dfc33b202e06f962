"""The pages of the dashboard's history: undocumented, and true when the status is not."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint

from simulator.answers import envelope, json_body
from simulator.paging import page_of
from simulator.snapshot import json_text
from simulator.store import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Response

    from simulator.service import Service
    from simulator.snapshot import Snapshot
    from simulator.tasks import Task

    type Record = dict[str, Any]

_MOST = 10
# Where the family and the operations are found that a page lists; () stands for all.
_KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "gpt4o-image": ("gpt4o", ()),
    "gpt4o-image-record": ("gpt4o", ()),
    "flux-kontext-record": ("flux_kontext", ()),
    "mj": ("midjourney", ()),
    "veo-record": ("veo", ("generate",)),
    "veo1080p": ("veo", ("1080p",)),
    "aleph": ("aleph", ()),
    "modify": ("luma", ()),
    "runway-record": ("runway", ()),
    "getLyricsRecords": ("suno", ("lyrics",)),
    "getSubtitleRecords": ("suno", ("timestamped-lyrics",)),
    **{
        name: ("suno", (name,))
        for name in ("wav", "vocal-removal", "mp4", "midi", "persona", "style", "cover")
    },
}
_VEO_OPERATIONS = {"extend": "extend", "video4k": "4k"}
_MUSIC = "music"
_GOLDEN = "gpt4o-image"
# What a family's record has of results, under whichever name.
_RESULT_KEYS = ("resultJson", "response", "resultInfoJson", "videoInfo", "midiData")


def routes(service: Service) -> Blueprint:
    """Make the routes."""
    history = Blueprint("history", __name__)

    @history.post("/client/v1/userRecord/<kind>/page")
    @history.post("/client/v1/userRecord/<kind>")
    def user_record(kind: str) -> Response:
        body = json_body()
        found = [service.truth(task) for task in _listed(service) if _is_of(task, kind, body)]
        write = _golden if kind == _GOLDEN else _plain
        return envelope(200, "success", _page([write(service, one) for one in found], body))

    @history.post("/api/v1/playground/pageRecordListByDoris")
    def of_market() -> Response:
        body = json_body()
        tasks = (task for task in _listed(service) if task.family == "market")
        found = [service.truth(task) for task in tasks if _is_between(task, body)]
        flag = str(body.get("successFlag") or "")
        wanted = [one for one in found if flag in {"", str(one.flag)}]
        return envelope(200, "success", _page([_of_market(service, one) for one in wanted], body))

    return history


def _page(records: list[Record], body: Record) -> Record:
    return page_of(records, body, most=_MOST)


def _listed(service: Service) -> Iterable[Task]:
    """List the tasks that the history shows by now, newest first."""
    now = time.time()
    for task in reversed(service.tasks.all()):
        since = now - (task.completed_at or now)
        is_late = task.dials.has("history late") and since < task.dials.number("history late")
        if not is_late and not task.dials.on("history none"):
            yield task


def _is_of(task: Task, kind: str, body: Record) -> bool:
    if kind == "suno-record":
        return task.family == "suno" and task.plan == _MUSIC
    if kind == "veo":
        wanted = _VEO_OPERATIONS.get(str(body.get("model")))
        return task.family == "veo" and task.operation == wanted
    family, operations = _KINDS.get(kind, ("", ()))
    return task.family == family and (not operations or task.operation in operations)


def _golden(_: Service, snapshot: Snapshot) -> Record:
    return {
        "taskId": snapshot.task.wire_id,
        "userId": ACCOUNT,
        "successFlag": snapshot.flag,
        "resultJson": _links_text(snapshot),
        "completeTime": snapshot.completed("ms"),
        "createTime": snapshot.created("ms"),
    }


def _links_text(snapshot: Snapshot) -> str | None:
    """Write links as JSON, one level deep or at the top."""
    if not snapshot.has_succeeded:
        return None
    found = {"result_urls": snapshot.links()}
    return json_text(found if snapshot.dials.on("history top") else {"data": found})


def _plain(service: Service, snapshot: Snapshot) -> Record:
    task = snapshot.task
    return {
        "uuid": task.wire_id,
        "type": task.operation,
        "operationType": task.model or task.operation,
        "successFlag": str(snapshot.flag) if snapshot.has_succeeded else snapshot.flag,
        "paramJson": snapshot.request_text(),
        "creditsConsumed": 0 if snapshot.failure else task.credits,
        "creditsRemaining": snapshot.balance,
        "createTime": snapshot.created("ms"),
        **_results(service, snapshot),
    }


def _of_market(service: Service, snapshot: Snapshot) -> Record:
    record = service.families["market"].record(snapshot)
    kept = ("taskId", "model", "state", "param", "createTime", "completeTime", "costTime")
    return {
        **{key: record[key] for key in kept},
        "consumeCredits": 0 if snapshot.failure else snapshot.task.credits,
        "remainedCredits": snapshot.balance,
        **_results(service, snapshot),
    }


def _results(service: Service, snapshot: Snapshot) -> Record:
    """Add results where nobody else tells them; no known record of these pages has any."""
    if not snapshot.task.keeps_quiet:
        return {}
    record = service.families[snapshot.task.family].record(snapshot)
    return {key: record[key] for key in _RESULT_KEYS if record.get(key)}


def _is_between(task: Task, body: Record) -> bool:
    begin, end = _moment(body.get("beginTime")), _moment(body.get("endTime"))
    is_after = begin is None or task.created_at >= begin
    return is_after and (end is None or task.created_at <= end)


def _moment(value: Any) -> float | None:
    """Read milliseconds or `2026-09-10 10:25:00`; what cannot be read does not count."""
    if isinstance(value, int | float) or str(value).isdecimal():
        return float(value) / 1000
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
