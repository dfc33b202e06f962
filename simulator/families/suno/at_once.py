"""Suno's calls that answer at once: styles, timed words, personas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from simulator import songs
from simulator.account import Order
from simulator.answers import envelope, json_body
from simulator.exchange import created
from simulator.families.suno.orders import NAME
from simulator.inputs import POLITE, check, without_callback
from simulator.refusals import RefusedError
from simulator.steps import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint, Response

    from simulator.service import Service
    from simulator.snapshot import Snapshot
    from simulator.tasks import Task

    type Record = dict[str, Any]

OPERATIONS = ("style", "timestamped-lyrics", "persona")


def add_routes(routes: Blueprint, service: Service) -> None:
    """Add the calls."""

    @routes.post("/style/generate")
    def style() -> Response:
        return _answer(service, _style_order, lambda task: _style(service, task))

    @routes.post("/generate/get-timestamped-lyrics")
    def timed_words() -> Response:
        order = _on_track("timestamped-lyrics", "taskId=text! audioId=text!", 0.5)
        return _answer(
            service, lambda body: order(service, body), lambda task: _timed(service, task)
        )

    @routes.post("/generate/generate-persona")
    def persona() -> Response:
        fields = "taskId=text! audioId=text! name=text! description=text! style=text"
        order = _on_track("persona", fields, 0)
        return _answer(service, lambda body: order(service, body), _persona)


def record(snapshot: Snapshot) -> Record:
    """Write what the history shows."""
    task = snapshot.task
    if task.operation == "style":
        return {"response": {"result": songs.style_of(task.words)}}
    return {"response": _persona(task) if task.operation == "persona" else None}


def _answer(
    service: Service, order: Callable[[Record], Order], result: Callable[[Task], Record]
) -> Response:
    # Nothing is told later of what is answered at once.
    body = without_callback(json_body())
    task = service.create(body, lambda: order(body))
    failure = task.dials.failure
    if failure:
        return envelope(failure.number or 500, failure.message)
    return created(task, result(task))


def _style_order(body: Record) -> Order:
    check(body, "content=text:1-1000!", POLITE)
    return Order(NAME, "style", "style", body, (), 0.4, plan=AT_ONCE)


def _on_track(name: str, fields: str, cost: float) -> Callable[[Service, Record], Order]:
    def order(service: Service, body: Record) -> Order:
        check(body, fields, POLITE)
        parent = service.tasks.get(body["taskId"])
        tracks = songs.track_ids(parent) if parent else []
        if body["audioId"] not in tracks and body["taskId"] != songs.SAMPLE:
            raise RefusedError(422, "Record does not exist")
        return Order(NAME, name, name, body, (), cost, plan=AT_ONCE, parent=body["taskId"])

    return order


def _style(service: Service, task: Task) -> Record:
    snapshot = service.truth(task)
    return {
        "taskId": task.wire_id,
        "param": task.words,
        "result": songs.style_of(task.words),
        "creditsConsumed": task.credits,
        "creditsRemaining": snapshot.balance,
        "successFlag": "成功",
        "errorCode": None,
        "errorMsg": None,
        "createTime": snapshot.created("ms"),
    }


def _timed(service: Service, task: Task) -> Record:
    parent = service.tasks.get(task.input["taskId"])
    return songs.aligned_words(parent.words if parent else "")


def _persona(task: Task) -> Record:
    return {
        "personaId": uuid5(NAMESPACE_OID, task.task_id).hex,
        "name": task.input["name"],
        "description": task.input["description"],
    }
