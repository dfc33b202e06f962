"""Suno: music, lyrics, tools for finished tracks, and a few calls that answer at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from dev.kie.families.family import Family
from dev.kie.families.suno import at_once, lyrics, music, tools
from dev.kie.families.suno.orders import NAME

if TYPE_CHECKING:
    from dev.kie.service import Service
    from dev.kie.telling import Telling


def _routes(service: Service) -> Blueprint:
    routes = Blueprint(NAME, __name__, url_prefix="/api/v1")
    for part in (music, lyrics, tools, at_once):
        part.add_routes(routes, service)
    return routes


def _record(telling: Telling) -> dict[str, Any]:
    operation = telling.task.operation
    if operation in tools.BY_NAME:
        return tools.BY_NAME[operation].record(telling)
    if operation in at_once.OPERATIONS:
        return at_once.record(telling)
    return lyrics.record(telling) if operation == lyrics.OPERATION else music.record(telling)


def _webhook(telling: Telling) -> dict[str, Any]:
    tool = tools.BY_NAME.get(telling.task.operation)
    if tool:
        return tool.webhook(telling)
    of_lyrics = telling.task.operation == lyrics.OPERATION
    return lyrics.webhook(telling) if of_lyrics else music.webhook(telling)


FAMILY = Family(NAME, _routes, _record, _webhook)
