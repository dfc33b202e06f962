"""Calls that belong to no family: the balance."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import Blueprint

from dev.kie.answers import envelope, json_body
from dev.kie.models import models

if TYPE_CHECKING:
    from flask import Response

    from dev.kie.models import Model
    from dev.kie.service import Service


def routes(service: Service) -> Blueprint:
    """Make the routes."""
    common = Blueprint("common", __name__, url_prefix="/api/v1")

    @common.get("/chat/credit")
    def credit() -> Response:
        return envelope(200, "success", service.account.balance())

    @common.post("/common/download-url")
    def download_url() -> Response:
        return _fresh_link(service)

    @common.post("/gpt4o-image/download-url")
    def gpt4o_download_url() -> Response:
        return _fresh_link(service)

    @common.get("/models")
    def model_list() -> Response:
        listed = [_model(model) for model in models().values()]
        return envelope(200, "success", {"total": len(listed), "models": listed})

    @common.get("/models/<path:name>")
    def model(name: str) -> Response:
        found = models().get(name)
        if found is None:
            return envelope(404, "Model not found", status=404)
        return envelope(200, "success", _model(found))

    return common


def _fresh_link(service: Service) -> Response:
    """Exchange a link to one of our files for one that works."""
    found = re.search(r"/files/([^/]+)/(\d+)-\d+\.\w+$", str(json_body().get("url") or ""))
    task = service.tasks.get(found[1]) if found else None
    if found is None or task is None:
        return envelope(422, "url is wrong")
    links = service.links(task)
    return envelope(200, "success", links[int(found[2])])


def _model(model: Model) -> dict[str, Any]:
    kind = {"image": "Text to Image", "video": "Text to Video", "audio": "Text to Speech"}
    return {
        "model": model.name,
        "slug": model.name.replace("/", "-"),
        "title": model.name,
        "provider": "Simulated",
        "taskType": [kind.get(model.kind, "Other")],
        "description": None,
        "pricingDesc": f"{model.credits:g} credits per {model.per}.",
    }
