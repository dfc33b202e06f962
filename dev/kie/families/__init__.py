"""
The API families of Kie.ai, one module each.

A family is a module with what `Family` lists: its routes, its words for the stages of a task and
the body of its webhook. To add one, write the module and name it in `FAMILIES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from dev.kie.families import aleph, flux_kontext, gpt4o, market, runway, suno, veo

if TYPE_CHECKING:
    from flask import Blueprint

    from dev.kie.service import Service
    from dev.kie.tasks import Task


class Family(Protocol):
    """What a family's module has."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """Tell its tasks from those of others."""

    def routes(self, service: Service) -> Blueprint:
        """Make its part of the HTTP API."""

    def webhook_body(self, task: Task, links: list[str]) -> dict[str, Any]:
        """Say how a task has ended; `links` are its files, if it has succeeded."""

    def progress_bodies(self, task: Task, links: list[str]) -> list[tuple[float, dict[str, Any]]]:
        """Say how far a task has come, each time at a share of the time it takes."""


FAMILIES: tuple[Family, ...] = (
    market,
    gpt4o.FAMILY,
    flux_kontext.FAMILY,
    veo.FAMILY,
    runway.FAMILY,
    aleph.FAMILY,
    suno.FAMILY,
)
