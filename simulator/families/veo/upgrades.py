"""Veo's upgrades, whose codes say no while they mean yes or wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request

from simulator.answers import envelope, json_body
from simulator.exchange import answered, created
from simulator.families.veo.orders import HD, UHD, upgrade
from simulator.refusals import RefusedError

if TYPE_CHECKING:
    from flask import Blueprint, Response

    from simulator.service import Service
    from simulator.snapshot import Snapshot
    from simulator.tasks import Task

    type Record = dict[str, Any]

_UNAVAILABLE = "The 4K version of this video is unavailable"


def add_routes(routes: Blueprint, service: Service) -> None:
    """Add the calls that begin an upgrade, and that ask for it when it has begun."""

    @routes.get("/get-1080p-video")
    def get_1080p_video() -> Response:
        return _larger_hd(service, request.args.get("taskId", ""), request.args.get("index"))

    @routes.post("/get-4k-video")
    def get_4k_video() -> Response:
        return _larger_uhd(service, json_body())


def _larger_hd(service: Service, task_id: str, index: str | None) -> Response:
    number = int(index) if index and index.isdecimal() else 0
    if not _known(service, task_id, HD, number):
        body = {"model": "veo3/1080p", "taskId": task_id, "index": number}
        service.create(body, lambda: upgrade(service, HD, task_id, number))
    task = _polled(service, task_id, HD, number)
    return answered(task, lambda: _hd_answer(service.snapshot(task)))


def _hd_answer(snapshot: Snapshot) -> Response:
    failure = snapshot.failure
    if failure:
        code = failure.number or 501
        return envelope(501 if code == 500 else code, failure.message)
    if not snapshot.has_result:
        return envelope(500, "1080P is still processing")
    return envelope(200, "success", {"resultUrl": snapshot.link(0)})


def _larger_uhd(service: Service, body: Record) -> Response:
    task_id = str(body.get("taskId") or "")
    index = body.get("index") or 0
    number = index if isinstance(index, int) else 0
    if not _known(service, task_id, UHD, number):
        named = {**body, "model": "veo3/4k"}
        task = service.create(named, lambda: upgrade(service, UHD, task_id, number))
        return created(task, _uhd_data(task.wire_id, None))
    task = _polled(service, task_id, UHD, number)
    return answered(task, lambda: _uhd_answer(service.snapshot(task)))


def _uhd_answer(snapshot: Snapshot) -> Response:
    task_id = snapshot.task.wire_id
    if snapshot.failure:
        return envelope(500, _UNAVAILABLE, _uhd_data(task_id, None))
    if not snapshot.has_result:
        return envelope(422, "4k is processing", _uhd_data(task_id, None))
    data = _uhd_data(task_id, snapshot)
    return envelope(422, "The video has been generated successfully", data)


def _uhd_data(task_id: str, snapshot: Snapshot | None) -> Record:
    films = snapshot.links("mp4") if snapshot else None
    pictures = snapshot.links("jpg") if snapshot else None
    return {"taskId": task_id, "resultUrls": films, "imageUrls": pictures}


def webhook(snapshot: Snapshot) -> Record:
    """Write the webhook about a 4K film, under the id of the task that it came from."""
    task_id = snapshot.task.wire_id
    if snapshot.failure:
        return {"code": 500, "msg": _UNAVAILABLE, "data": {"taskId": task_id}}
    info = {"resultUrls": snapshot.links("mp4"), "imageUrls": snapshot.links("jpg")}
    data = {"taskId": task_id, "info": info}
    return {"code": 200, "msg": "4K Video generated successfully.", "data": data}


def _known(service: Service, task_id: str, operation: str, index: int) -> Task | None:
    return service.tasks.get(f"{task_id}.{operation}-{index}")


def _polled(service: Service, task_id: str, operation: str, index: int) -> Task:
    upgraded = f"{task_id}.{operation}-{index}"
    task = service.poll(upgraded, lambda _: True)
    if task is None:
        # A dial hides it, as it hides others from those who ask.
        raise RefusedError(422, "record is null")
    return task
