"""The host of result files, which are not always what they should be."""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, request

from simulator.download import has_expired, is_over, is_signed
from simulator.log import log
from simulator.render import PICTURES, content_type, render
from simulator.retention import ORIGIN_SECONDS
from simulator.tasks import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.wrappers import Response as AnyResponse

    from simulator.service import Service
    from simulator.tasks import Task

_NAME = re.compile(r"(\d{1,4})-(\d{1,4})((?:\.[a-z-]+)?)\.\w+")
_GUESSES = {"s": re.compile(r"(.+)_(\d+)\.png"), "v": re.compile(r"(.+)_(\d+)\.mp4")}
_SLOW_PIECES = 20
_MEGABYTE = 1_000_000
_INSIDE = "http://169.254.169.254/latest/meta-data/"
_PAGE = b"<!DOCTYPE html><html><body><h1>This file cannot be shown</h1></body></html>"


def routes(service: Service) -> Blueprint:
    """Make the routes."""
    files = Blueprint("files", __name__)

    @files.get("/files/<task_id>/<name>")
    def read_file(task_id: str, name: str) -> AnyResponse:
        task, found = service.tasks.read(task_id), _NAME.fullmatch(name)
        if task is None or found is None or not task.has_file(int(found[1]), time.time()):
            return _status(404)
        if found[3] and task.dials.on("source works"):
            return _file(render(task, int(found[1])), task.endings[int(found[1])])
        response = _refusal(service, task, int(found[1]), int(found[2])) or _redirection(task)
        log(task_id, f"file {name}: {response.status_code if response else 'sent'}")
        if response:
            return response
        is_preview = int(found[2]) <= task.dials.number("preview first")
        if is_preview:
            service.tasks.renew_links(task_id, int(found[2]) + 1)
        return _spoilt(task, int(found[1]), is_preview=is_preview)

    @files.get("/<any(s, v):folder>/<name>")
    def read_guessed(folder: str, name: str) -> AnyResponse:
        found = _GUESSES[folder].fullmatch(name)
        task = service.tasks.read(found[1]) if found else None
        if found is None or task is None or not task.dials.on("guess"):
            return _status(404)
        return _guessed(task, folder, int(found[2]))

    return files


def _guessed(task: Task, folder: str, number: int) -> Response:
    """Find a file by its number, or by the second in which it was done."""
    index = number if folder == "s" else 0
    if folder == "v" and number != int(task.completed_at or 0):
        return _status(404)
    if task.stage(time.time()) is not Stage.SUCCEEDED or index >= len(task.endings):
        return _status(404)
    return _spoilt(task, index)


def _refusal(service: Service, task: Task, index: int, links: int) -> Response | None:
    """Find out whether a link is dead; trying a dead one may earn the task new links."""
    dials, fault = task.dials, task.dials.fault("file_fault")
    since = time.time() - (task.completed_at or time.time())
    if dials.word("file") == "gone once" and links == 1:
        service.tasks.renew_links(task.task_id)
        return _status(404)
    is_gone = dials.word("file") == "gone" or (
        dials.word("picture") == "gone" and task.is_picture_of_track(index)
    )
    if is_gone or links > task.links or is_over(task):
        return _status(404)
    if task.family == "flux_kontext" and index == 0 and since > ORIGIN_SECONDS:
        return _status(404)
    if fault and task.reads <= (fault.times or math.inf):
        return _status(fault.code)
    if is_signed(request.path, request.args):
        return _status(403) if has_expired(request.args) else None
    is_late = dials.has("file expires") and since > dials.number("file expires")
    return _status(403) if is_late else None


def _redirection(task: Task) -> AnyResponse | None:
    dials = task.dials
    if dials.on("file redirect inside"):
        return redirect(_INSIDE)
    if dials.on("file redirect loop"):
        return redirect(request.path)
    if dials.on("file redirect") and "hop" not in request.args:
        return redirect(f"{request.path}?hop=1")
    return None


def _spoilt(task: Task, index: int, *, is_preview: bool = False) -> Response:
    """Send a file as the task's dials want it."""
    dials, ending = task.dials, task.endings[index]
    since = time.time() - (task.completed_at or time.time())
    is_small = is_preview or _is_thumbnail(task, index, since)
    whole = render(
        task,
        index,
        is_small=is_small and ending in PICTURES,
        is_other=dials.on("file wrong type"),
    )
    half = whole[: len(whole) // 2]
    match dials.word("file"):
        case "html":
            return Response(_PAGE, 200, content_type="text/html; charset=UTF-8")
        case "empty":
            return _file(b"", ending)
        case "cut":
            return _file(half, ending)
        case "short":
            return _file(half, ending, promised=len(whole))
    padding = int(dials.number("file large"))
    promised = None if dials.on("file no length") else len(whole) + padding * _MEGABYTE
    pieces = _pieces(whole, dials.number("file slow"), padding)
    return _file(pieces, ending, promised=promised)


def _is_thumbnail(task: Task, index: int, since: float) -> bool:
    dials = task.dials
    is_late = dials.has("preview after") and since >= dials.number("preview after")
    is_last = dials.on("preview last") and 0 < index == len(task.endings) - 1
    is_early = since < dials.number("preview for")
    return dials.on("file small") or is_early or is_late or is_last


def _file(content: bytes | Iterator[bytes], ending: str, *, promised: int | None = -1) -> Response:
    """Send bytes; a length of -1 is the true one, None is kept from the caller."""
    pieces = iter([content]) if isinstance(content, bytes) else content
    response = Response(pieces, content_type=content_type(ending))
    if promised == -1 and isinstance(content, bytes):
        promised = len(content)
    if promised is not None:
        response.headers["Content-Length"] = str(promised)
    return response


def _pieces(body: bytes, seconds: float, padding: int) -> Iterator[bytes]:
    step = len(body) // _SLOW_PIECES + 1 if seconds else len(body) or 1
    for start in range(0, len(body), step):
        time.sleep(seconds / _SLOW_PIECES)
        yield body[start : start + step]
    for _ in range(padding):
        yield bytes(_MEGABYTE)


def _status(status: int) -> Response:
    return Response(f"{status}\n", status, content_type="text/plain; charset=UTF-8")
