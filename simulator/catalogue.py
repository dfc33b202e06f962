"""The lists of models and prices."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Blueprint, request

from simulator.answers import envelope, json_body
from simulator.inputs import fields
from simulator.models import models
from simulator.paging import page_of

if TYPE_CHECKING:
    from flask import Response

    from simulator.inputs import Field
    from simulator.models import Model

    type Record = dict[str, Any]

_USD_PER_CREDIT = 0.005
_POINTS, _POINT_SECONDS = 144, 600
_MOST_PRICES = 100
_PROVIDERS = {
    "bytedance": "ByteDance",
    "seedream": "ByteDance",
    "omnihuman": "ByteDance",
    "volcengine": "ByteDance",
    "google": "Google",
    "nano": "Google",
    "gemini": "Google",
    "4o": "OpenAI",
    "runway": "Runway",
    "veo": "Google",
    "veo3": "Google",
    "gpt": "OpenAI",
    "grok": "Grok",
    "kling": "Kling",
    "qwen": "Qwen",
    "wan": "Wan",
    "flux": "Black Forest Labs",
    "ai": "Suno",
}
_TYPES = {
    "int": "integer",
    "number": "number",
    "flag": "boolean",
    "list": "array",
    "links": "array",
    "object": "object",
}
PATHS = "/api/v1/playground/model-paths"
# In the list of paths, and yet no models that createTask knows.
_PAGES = ("claude-opus-5", "gemini-3-1-pro", "gemini-omni-audio", "gemini-omni-character")


def routes() -> Blueprint:
    """Make the routes."""
    catalogue = Blueprint("catalogue", __name__)

    @catalogue.get("/api/v1/models")
    def listed() -> Response:
        found = [record for record in _records() if _is_wanted(record)]
        return envelope(200, "success", {"total": len(found), "models": found})

    @catalogue.get("/api/v1/models/<path:name>")
    def one(name: str) -> Response:
        return _about(name)

    @catalogue.get(PATHS)
    def paths() -> Response:
        return envelope(200, "success", sorted([*models(), *_PAGES]))

    @catalogue.post("/client/v1/model-pricing/page")
    def prices() -> Response:
        body = json_body()
        wanted = str(body.get("interfaceType") or "")
        found = [_price_record(model) for model in models().values()]
        found = [record for record in found if wanted in {"", record["interfaceType"]}]
        return envelope(200, "success", page_of(found, body, most=_MOST_PRICES))

    return catalogue


def _about(name: str) -> Response:
    """Answer about one model, whose id has slashes of its own."""
    for part, write in {"schema": _schema, "price": _price, "success-rate": _rates}.items():
        model = models().get(name.removesuffix(f"/{part}"))
        if name.endswith(f"/{part}") and model:
            return envelope(200, "success", write(model))
    record = next((record for record in _records() if record["model"] == name), None)
    if record is None:
        return envelope(404, "Model not found")
    return envelope(200, "success", record)


def _records() -> list[Record]:
    return [_record(model) for model in models().values()]


def _record(model: Model) -> Record:
    return {
        "model": model.name,
        "slug": model.name.replace("/", "-"),
        "title": _title(model.name.replace("/", " ").replace("-", " ")),
        "provider": _provider(model),
        "taskType": [_title(kind.replace("_", " ")) for kind in model.kinds],
        "description": "",
        "pricingDesc": f"{model.credits:g} credits per {model.per}.",
    }


def _is_wanted(record: Record) -> bool:
    kind, provider, words = (
        request.args.get(name, "").lower() for name in ("taskType", "provider", "q")
    )
    kinds = [one.lower() for one in record["taskType"]]
    is_of_kind = not kind or kind.replace("-", " ") in kinds
    is_theirs = not provider or provider == record["provider"].lower()
    return is_of_kind and is_theirs and words in f"{record['model']} {record['title']}".lower()


def _title(words: str) -> str:
    return " ".join(word if word == "to" else word[:1].upper() + word[1:] for word in words.split())


def _provider(model: Model) -> str:
    first = model.name.split("/")[0].split("-")[0]
    return _PROVIDERS.get(first.rstrip("0123456789") if first != "veo3" else first, first.title())


def _schema(model: Model) -> Record:
    found = fields(model.fields)
    return {
        "model": model.name,
        "input": {
            "type": "object",
            "properties": {field.name: _property(field) for field in found},
            "required": [field.name for field in found if field.is_required],
        },
    }


def _property(field: Field) -> Record:
    allowed = {"enum": list(field.allowed)} if field.allowed else {}
    longest = {"maxLength": int(field.most)} if field.type == "text" and field.most < 1e9 else {}
    return {"type": _TYPES.get(field.type, "string"), **allowed, **longest}


def _price(model: Model) -> Record:
    return {
        "model": model.name,
        "creditPrice": f"{model.credits:g}",
        "creditUnit": f"per {model.per}",
        "usdPrice": f"{model.credits * _USD_PER_CREDIT:g}",
    }


def _rates(model: Model) -> Record:
    last = int(time.time()) // _POINT_SECONDS * _POINT_SECONDS
    times = range(last - (_POINTS - 1) * _POINT_SECONDS, last + 1, _POINT_SECONDS)
    points = [{"time": at * 1000, "successRate": 1.0} for at in times]
    return {"model": model.name, "points": points}


def _price_record(model: Model) -> Record:
    anchor = f"https://kie.ai/{quote(model.name)}?model={quote(model.name, safe='')}"
    return {
        "modelDescription": f"{_title(model.name.replace('/', ' '))}, {model.kinds[0]}",
        "interfaceType": {"image": "image", "video": "video"}.get(model.makes, "music"),
        "provider": _provider(model),
        **{key: value for key, value in _price(model).items() if key != "model"},
        "falPrice": "",
        "discountRate": 0.0,
        "anchor": anchor,
    }
