"""Suno: music, lyrics, tools for finished tracks, and a few calls that answer at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from simulator.families.family import Family
from simulator.families.suno import at_once, lyrics, music, tools
from simulator.families.suno.orders import NAME

if TYPE_CHECKING:
    from simulator.service import Service
    from simulator.snapshot import Snapshot


def _routes(service: Service) -> Blueprint:
    routes = Blueprint(NAME, __name__, url_prefix="/api/v1")
    for part in (music, lyrics, tools, at_once):
        part.add_routes(routes, service)
    return routes


def _record(snapshot: Snapshot) -> dict[str, Any]:
    operation = snapshot.task.operation
    if operation in tools.BY_NAME:
        return tools.BY_NAME[operation].record(snapshot)
    if operation in at_once.OPERATIONS:
        return at_once.record(snapshot)
    return lyrics.record(snapshot) if operation == lyrics.OPERATION else music.record(snapshot)


def _webhook(snapshot: Snapshot) -> dict[str, Any]:
    tool = tools.BY_NAME.get(snapshot.task.operation)
    if tool:
        return tool.webhook(snapshot)
    of_lyrics = snapshot.task.operation == lyrics.OPERATION
    return lyrics.webhook(snapshot) if of_lyrics else music.webhook(snapshot)


FAMILY = Family(NAME, _routes, _record, _webhook)
