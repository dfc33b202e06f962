"""Calls that belong to no family: the balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from dev.kie.answers import envelope

if TYPE_CHECKING:
    from flask import Response

    from dev.kie.service import Service


def routes(service: Service) -> Blueprint:
    """Make the routes."""
    common = Blueprint("common", __name__, url_prefix="/api/v1")

    @common.get("/chat/credit")
    def credit() -> Response:
        return envelope(200, "success", service.account.balance())

    return common
