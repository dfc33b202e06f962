"""The two calls that all families have: creating a task, and asking how it stands."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request

from simulator.answers import envelope, json_body, spoilt
from simulator.log import log
from simulator.shapes import bent

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

    from simulator.account import Order
    from simulator.dials import Dials
    from simulator.service import Service
    from simulator.snapshot import Snapshot
    from simulator.tasks import Task

    type Body = dict[str, Any]
    type Writer = Callable[[Snapshot], Body]


@dataclass(frozen=True)
class Question:
    """
    How a family is asked.

    Attributes:
        operations: Whose tasks are found here; () stands for all of the family.
        record: Writes `data`.
        unknown: Code and words for a task that nobody knows; data is null.

    """

    family: str
    record: Writer
    unknown: tuple[int, str] = (422, "The record does not exist")
    nameless: tuple[int, str] = (422, "taskId cannot be empty")
    operations: tuple[str, ...] = ()

    def is_about(self, task: Task) -> bool:
        is_listed = not self.operations or task.operation in self.operations
        return task.family == self.family and is_listed and "." not in task.task_id


def create(
    service: Service, check: Callable[[Body], Order], record: Writer, *, names: bool = False
) -> Response:
    """
    Create a task from the body of this call.

    Args:
        check: Finds the body in order, or raises.
        record: Writes what a question would be told, for `[immediate]`.
        names: Whether the answer has a `recordId`, too.

    """
    body = json_body()
    task = service.create(body, lambda: check(body))
    ids = {"taskId": task.wire_id} | ({"recordId": task.wire_id} if names else {})
    data = {**told(service, task, record), **ids} if task.dials.on("immediate") else ids
    return created(task, data)


def created(task: Task, data: Body) -> Response:
    """Answer a creation that was accepted, in the way its dials ask for."""
    dials = task.dials
    time.sleep(dials.number("create slow"))
    fault = dials.fault("create_fault")
    response = envelope(200, "success", data, words_key=words_key(dials))
    if fault or dials.number("create slow"):
        log(task.task_id, f"createTask answered: {fault.kind if fault else 'late'}")
    return spoilt(response, fault) if fault else response


def usual_routes(
    service: Service, prefix: str, check: Callable[[Body], Order], question: Question
) -> Blueprint:
    """Make the two routes that most families have below a prefix."""
    routes = Blueprint(question.family, __name__, url_prefix=prefix)

    @routes.post("/generate")
    def generate() -> Response:
        return create(service, check, question.record)

    @routes.get("/record-info")
    def record_info() -> Response:
        return ask(service, question)

    return routes


def ask(service: Service, question: Question) -> Response:
    """Answer somebody who asks how a task stands."""
    task_id = request.args.get("taskId", "").strip()
    if not task_id:
        return envelope(*question.nameless)
    task = service.poll(task_id, question.is_about)
    if task is None:
        return envelope(*question.unknown)

    def whole() -> Response:
        data = told(service, task, question.record)
        return envelope(200, "success", data, words_key=words_key(task.dials))

    return answered(task, whole)


def answered(task: Task, whole: Callable[[], Response]) -> Response:
    """Return an answer about a task, spoilt if a dial wants it."""
    dials = task.dials
    time.sleep(dials.number("poll slow"))
    fault = dials.fault("poll_fault")
    if fault and task.polls <= (fault.times or math.inf):
        log(task.task_id, f"asked: {fault.kind} {fault.code or ''}".rstrip())
        return spoilt(whole(), fault)
    if time.time() < task.created_at + dials.number("poll data null"):
        log(task.task_id, "asked: data null")
        return envelope(200, "success")
    return whole()


def told(service: Service, task: Task, record: Writer) -> Body:
    """Write what is told of a task now."""
    snapshot = service.snapshot(task)
    return bent(snapshot, record(snapshot))


def words_key(dials: Dials) -> str:
    return "message" if dials.on("message key") or dials.word("fields") == "docs" else "msg"
