"""Suno's tools for finished tracks: WAV, music video, stems, notes, covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.account import Order
from simulator.exchange import Question, ask, create
from simulator.families.suno import tool_results as results
from simulator.families.suno.orders import NAME, without_url
from simulator.inputs import POLITE, check
from simulator.refusals import RefusedError
from simulator.songs import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint, Response

    from simulator.service import Service
    from simulator.snapshot import Snapshot
    from simulator.tasks import Task

    type Record = dict[str, Any]

_STEM_CREDITS = {"separate_vocal": 10.0, "split_stem": 50.0, "split_stem_advanced": 20.0}
_STEM_COUNTS = {"separate_vocal": 2, "split_stem": 12, "split_stem_advanced": 2}


@dataclass(frozen=True)
class Tool:
    """
    One tool.

    Attributes:
        path: Below `/api/v1`; `/generate` and `/record-info` come behind it.
        is_single: Whether a track has one such record; a second is code 409.
        record, webhook: Write what is told.

    """

    name: str
    path: str
    fields: str
    record: Callable[[Snapshot], Record]
    webhook: Callable[[Snapshot], Record]
    is_single: bool = False

    def order(self, service: Service, body: Record) -> Order:
        """
        Find a body in order.

        Raises:
            RefusedError: It is not, the track is unknown, or it has such a record already.

        """
        given = without_url(body)
        check(given, self.fields, POLITE)
        if given["taskId"] != SAMPLE:
            self._check_song(service, given)
        files, cost = self._makes(given)
        return Order(NAME, self.name, self.name, given, files, cost, parent=given["taskId"])

    def _check_song(self, service: Service, given: Record) -> None:
        parent = service.tasks.get(given["taskId"])
        if parent is None or parent.family != NAME:
            raise RefusedError(422, "Record does not exist")
        if self.is_single and _has_record(service, self.name, given):
            raise RefusedError(409, f"The {self.name} record already exists")

    def _makes(self, given: Record) -> tuple[tuple[str, ...], float]:
        if self.name == "vocal-removal":
            kind = given.get("type") or "separate_vocal"
            return ("mp3",) * _STEM_COUNTS[kind], _STEM_CREDITS[kind]
        made: dict[str, tuple[tuple[str, ...], float]] = {
            "wav": (("wav",), 0.4),
            "mp4": (("mp4",), 2.0),
            "midi": ((), 0.0),
            "cover": (("png", "png"), 0.0),
        }
        return made[self.name]


def _has_record(service: Service, name: str, given: Record) -> bool:
    def is_same(task: Task) -> bool:
        same = (task.input.get(key) == given.get(key) for key in ("taskId", "audioId"))
        has_failed = task.completed_at is not None and task.dials.failure is not None
        return task.operation == name and all(same) and not has_failed

    return any(is_same(task) for task in service.tasks.all())


TOOLS = (
    Tool(
        "wav",
        "/wav",
        "taskId=text! audioId=text",
        results.wav_record,
        results.wav_webhook,
        is_single=True,
    ),
    Tool(
        "mp4",
        "/mp4",
        "taskId=text! audioId=text! author=text:0-50 domainName=text:0-50",
        results.mp4_record,
        results.mp4_webhook,
    ),
    Tool(
        "vocal-removal",
        "/vocal-removal",
        "taskId=text! audioId=text! type=(separate_vocal|split_stem|split_stem_advanced) "
        "stemName=text",
        results.stems_record,
        results.stems_webhook,
    ),
    Tool("midi", "/midi", "taskId=text! audioId=text", results.midi_record, results.midi_webhook),
    Tool(
        "cover",
        "/suno/cover",
        "taskId=text!",
        results.cover_record,
        results.cover_webhook,
        is_single=True,
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}


def add_routes(routes: Blueprint, service: Service) -> None:
    """Add the tools' calls, and the questions after them."""
    for tool in TOOLS:
        _add(routes, service, tool)


def _add(routes: Blueprint, service: Service, tool: Tool) -> None:
    question = Question(NAME, tool.record, unknown=(200, "success"), operations=(tool.name,))

    def make() -> Response:
        return create(service, lambda body: tool.order(service, body), tool.record)

    def record_info() -> Response:
        return ask(service, question)

    routes.post(f"{tool.path}/generate", endpoint=f"make_{tool.name}")(make)
    routes.get(f"{tool.path}/record-info", endpoint=f"ask_{tool.name}")(record_info)
