"""What the families beside the Market share: a flat body, an answer with an id, one query each."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from flask import Blueprint, request

from dev.kie.account import Order, RefusedError
from dev.kie.answers import created, envelope, json_body
from dev.kie.tasks import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response

    from dev.kie.models import Kind
    from dev.kie.service import Service
    from dev.kie.tasks import Task

FLAGS = {Stage.WAITING: 0, Stage.GENERATING: 0, Stage.SUCCEEDED: 1, Stage.FAILED: 3}


@dataclass(frozen=True)
class Creation:
    """
    One call that makes a task.

    Attributes:
        model: What we call it; "" takes the body's `model`.
        required: Fields that must be there, whatever they hold.
        default_model: Where the body may leave `model` out.
    """

    path: str
    model: str
    kind: Kind
    credits: float
    required: tuple[str, ...] = ("prompt",)
    results: int = 1
    default_model: str = ""
    models: tuple[str, ...] = ()

    def order(self, family: str, body: Mapping[str, Any]) -> Order:
        """
        Check a body.

        Raises:
            RefusedError: A field is missing, or the model is unknown.

        """
        for name in self.required:
            if body.get(name) in (None, ""):
                raise RefusedError(422, f"Please enter {name}.")
        model = self.model or str(body.get("model") or self.default_model)
        if self.models and model not in self.models:
            raise RefusedError(422, "Invalid model")
        given = {name: value for name, value in body.items() if name != "callBackUrl"}
        asked = body.get("nVariants")
        results = asked if isinstance(asked, int) and 1 <= asked <= 4 else self.results
        return Order(family, model, self.kind, given, results, self.credits)


class Writer(Protocol):
    """How a family writes its records and webhooks."""

    def record(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        """Write `data` of the query's answer."""

    def webhook(self, task: Task, stage: Stage, links: list[str]) -> dict[str, Any]:
        """Write the last webhook."""

    def progress(self, task: Task, links: list[str]) -> list[tuple[float, dict[str, Any]]]:
        """Write webhooks on the way, each at a share of the task's time."""


class FlatFamily:
    """
    A family.

    Args:
        queries: Paths where tasks are asked about.
        unknown: Code and words for a task that is not known; code 200 stands for `data: null`.
    """

    def __init__(
        self,
        name: str,
        creations: tuple[Creation, ...],
        queries: tuple[str, ...],
        writer: Writer,
        unknown: tuple[int, str] = (422, "The record does not exist"),
    ) -> None:
        self.NAME = name
        self._creations = creations
        self._queries = queries
        self._writer = writer
        self._unknown = unknown

    def routes(self, service: Service) -> Blueprint:
        """Make the routes."""
        blueprint = Blueprint(self.NAME, __name__)
        for creation in self._creations:
            blueprint.add_url_rule(
                creation.path,
                endpoint=creation.path.replace("/", "_"),
                view_func=lambda creation=creation: self._create(service, creation),
                methods=["POST"],
            )
        for path in self._queries:
            blueprint.add_url_rule(
                path, endpoint=path.replace("/", "_"), view_func=lambda: self._query(service)
            )
        return blueprint

    def webhook_body(self, task: Task, links: list[str]) -> dict[str, Any]:
        """Write the last webhook."""
        return self._writer.webhook(task, task.stage(time.time()), links)

    def progress_bodies(self, task: Task, links: list[str]) -> list[tuple[float, dict[str, Any]]]:
        """Write webhooks on the way."""
        return self._writer.progress(task, links)

    def _create(self, service: Service, creation: Creation) -> Response:
        body = json_body()
        task = service.create(body, lambda: creation.order(self.NAME, body))
        data: dict[str, Any] = {"taskId": task.task_id}
        if task.dials.immediate:
            data = self._writer.record(task, Stage.SUCCEEDED, service.links(task))
        return created(task, data)

    def _query(self, service: Service) -> Response:
        now = time.time()
        task = service.poll(self.NAME, request.args.get("taskId", ""), now=now)
        if task is None:
            code, words = self._unknown
            return envelope(code, words)
        stage = task.stage_told(now)
        return envelope(200, "success", self._writer.record(task, stage, service.links(task)))


def param(task: Task) -> str:
    """Repeat the request."""
    return json.dumps(task.input, ensure_ascii=False)


def milliseconds(at: float | None) -> int | None:
    """Write a time as most families do."""
    return None if at is None else int(at * 1000)


def iso(at: float | None) -> str | None:
    """Write a time as Flux does."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def spelt(at: float | None) -> str | None:
    """Write a time without a zone, as WAVs and MP4s do."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def ended_at(task: Task, stage: Stage) -> float | None:
    """Tell when a task ended, if its stage says that it has."""
    return task.completed_at if stage in {Stage.SUCCEEDED, Stage.FAILED} else None


def failure_of(task: Task, stage: Stage) -> tuple[int | None, str]:
    """Tell the code, as a number, and the words of a failure."""
    failure = task.dials.failure if stage is Stage.FAILED else None
    if failure is None:
        return None, ""
    return int(failure.code) if failure.code.isdigit() else 500, failure.message
