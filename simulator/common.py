"""Calls that belong to no family: the balance, and links that work for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from simulator.answers import envelope, json_body
from simulator.download import fresh_link, is_own_file

if TYPE_CHECKING:
    from flask import Response

    from simulator.service import Service


def routes(service: Service) -> Blueprint:
    """Make the routes."""
    common = Blueprint("common", __name__, url_prefix="/api/v1")

    @common.get("/chat/credit")
    def credit() -> Response:
        return envelope(200, "success", service.account.balance())

    @common.post("/common/download-url")
    def download_url() -> Response:
        url = str(json_body().get("url") or "")
        if not is_own_file(service, url):
            return envelope(422, "url is wrong")
        return envelope(200, "success", fresh_link(service, url))

    return common
