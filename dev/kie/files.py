"""The host of result files; files can be gone, empty, short or slow on request."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from flask import Blueprint, Response

from dev.kie.log import log
from dev.kie.render import content_type, preview, render
from dev.kie.tasks import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.kie.service import Service
    from dev.kie.tasks import Task

_NAME = re.compile(r"(\d{1,4})-(\d{1,4})\.\w+")
_SLOW_PIECES = 20


def routes(service: Service) -> Blueprint:
    """Make the routes."""
    files = Blueprint("files", __name__)

    @files.get("/files/<task_id>/<name>")
    def read_file(task_id: str, name: str) -> Response:
        task, found = service.tasks.get(task_id), _NAME.fullmatch(name)
        if task is None or found is None:
            return _missing()
        index, links = int(found[1]), int(found[2])
        if index >= task.results or task.stage(time.time()) is not Stage.SUCCEEDED:
            return _missing()
        if _is_gone(service, task, links):
            log(task_id, f"file {name}: 404")
            return _missing()
        log(task_id, f"file {name}: sent {task.dials.file_fault}".rstrip())
        if links <= task.dials.preview_links:
            service.tasks.renew_links(task_id, links + 1)
            return Response(preview(task), content_type="image/png")
        return _file(task, index)

    @files.get("/s/<name>")
    def read_guessed(name: str) -> Response:
        """Serve pictures of 4o where they were seen: under the task's id."""
        task = service.tasks.get(name.removesuffix(".png").removesuffix("_0"))
        if task is None or task.family != "gpt4o" or task.completed_at is None:
            return _missing()
        return _file(task, 0)

    return files


def _is_gone(service: Service, task: Task, links: int) -> bool:
    """Find out whether a link is dead; trying a dead one may earn the task new links."""
    fault = task.dials.file_fault
    if fault == "gone once" and links == 1:
        service.tasks.renew_links(task.task_id)
        return True
    return fault == "gone" or links > task.links


def _file(task: Task, index: int) -> Response:
    whole = render(task, index)
    body = b"" if task.dials.file_fault == "empty" else whole
    promised = len(body)
    if task.dials.file_fault == "short":
        body = body[: len(body) // 2]
    pieces = _pieces(body, task.dials.file_slow_seconds)
    response = Response(pieces, content_type=content_type(task))
    response.headers["Content-Length"] = str(promised)
    return response


def _pieces(body: bytes, seconds: float) -> Iterator[bytes]:
    if not seconds:
        yield body
        return
    step = len(body) // _SLOW_PIECES + 1
    for start in range(0, len(body), step):
        time.sleep(seconds / _SLOW_PIECES)
        yield body[start : start + step]


def _missing() -> Response:
    return Response("Not Found", 404, content_type="text/plain; charset=UTF-8")
