"""The pages of the dashboard's history: undocumented, and true when the status is not."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint

from dev.kie.answers import envelope, json_body
from dev.kie.paging import page_of
from dev.kie.store import ACCOUNT
from dev.kie.telling import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Response

    from dev.kie.service import Service
    from dev.kie.tasks import Task
    from dev.kie.telling import Telling

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


def _golden(_: Service, telling: Telling) -> Record:
    return {
        "taskId": telling.task.wire_id,
        "userId": ACCOUNT,
        "successFlag": telling.flag,
        "resultJson": _links_text(telling),
        "completeTime": telling.completed("ms"),
        "createTime": telling.created("ms"),
    }


def _links_text(telling: Telling) -> str | None:
    """Write links as JSON, one level deep or at the top."""
    if not telling.has_succeeded:
        return None
    found = {"result_urls": telling.links()}
    return json_text(found if telling.dials.on("history top") else {"data": found})


def _plain(service: Service, telling: Telling) -> Record:
    task = telling.task
    return {
        "uuid": task.wire_id,
        "type": task.operation,
        "operationType": task.model or task.operation,
        "successFlag": str(telling.flag) if telling.has_succeeded else telling.flag,
        "paramJson": telling.request_text(),
        "creditsConsumed": 0 if telling.failure else task.credits,
        "creditsRemaining": telling.balance,
        "createTime": telling.created("ms"),
        **_results(service, telling),
    }


def _of_market(service: Service, telling: Telling) -> Record:
    record = service.families["market"].record(telling)
    kept = ("taskId", "model", "state", "param", "createTime", "completeTime", "costTime")
    return {
        **{key: record[key] for key in kept},
        "consumeCredits": 0 if telling.failure else telling.task.credits,
        "remainedCredits": telling.balance,
        **_results(service, telling),
    }


def _results(service: Service, telling: Telling) -> Record:
    """Add results where nobody else tells them; no known record of these pages has any."""
    if not telling.task.keeps_quiet:
        return {}
    record = service.families[telling.task.family].record(telling)
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
