"""The shape that every family has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.webhook_bodies import webhook_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint

    from simulator.service import Service
    from simulator.snapshot import Snapshot


@dataclass(frozen=True)
class Family:
    """
    One of Kie.ai's APIs.

    Attributes:
        name: Tells its tasks from those of others.
        routes: Makes its part of the HTTP API.
        record: Writes what is told to somebody who asks about a task.
        webhook: Writes the body of a webhook about a step or the end of a task.

    """

    name: str
    routes: Callable[[Service], Blueprint]
    record: Callable[[Snapshot], dict[str, Any]]
    webhook: Callable[[Snapshot], dict[str, Any]]

    def webhook_body(self, snapshot: Snapshot) -> dict[str, Any]:
        """Write a webhook as its dials want it."""
        return webhook_body(self.webhook(snapshot), snapshot)
