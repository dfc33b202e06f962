"""What the Market API accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.account import Order, results_wanted
from simulator.families.market_moved import check_moved, cost_of_moved, parent_of
from simulator.inputs import check
from simulator.models import models
from simulator.refusals import RefusedError

if TYPE_CHECKING:
    from simulator.models import Model
    from simulator.service import Service

    type Body = dict[str, Any]

NAME = "market"
# Of Suno's models, these alone take a duration.
_LONG_MODELS = ("V5_5", "V6", "V6_MINI", "V6_WILD")
_STEMS = {"split_stem": 12}


def order(service: Service, body: Body) -> Order:
    """
    Check a request as Kie.ai does: code 422 for the model, 500 or 422 for its input.

    Raises:
        RefusedError: Something is missing, unknown, too long, or of another type.

    """
    model = models().get(str(body.get("model") or ""))
    if model is None:
        raise RefusedError(422, "The model name you specified is not supported.")
    given = body.get("input")
    if not isinstance(given, dict):
        raise RefusedError(500, "This field is required")
    check(given, model.fields, model.wording)
    if given.get("duration") and model.makes == "music" and given["model"] not in _LONG_MODELS:
        raise RefusedError(422, "duration is not supported by this model")
    check_moved(model, given)
    parent = parent_of(service, model, given)
    count = results_wanted(given, model.result_count(given))
    files = _files(model, given, count)
    cost = cost_of_moved(model, given)
    cost = model.cost(given) if cost is None else cost
    return Order(NAME, "jobs", model.name, given, files, cost, parent=parent)


def _files(model: Model, given: Body, count: int) -> tuple[str, ...]:
    wanted = given.get("output_format")
    match model.makes:
        case "image":
            is_jpeg = wanted in {"jpg", "jpeg"} or (model.name == "flux1-kontext" and not wanted)
            return ("jpg" if is_jpeg else "png",) * count
        case "video":
            film = "mov" if wanted == "mov" else "mp4"
            return (film,) * count + (("jpg", "jpg") if given.get("return_last_frame") else ())
        case "object":
            return () if model.name.endswith("identification") else ("png", "png")
        case "music":
            return ("mp3", "jpeg") * count
        case "stems":
            return ("mp3",) * _STEMS.get(str(given.get("type")), 2)
        case _:
            return _ENDINGS[model.makes]


_ENDINGS: dict[str, tuple[str, ...]] = {
    "audio": ("mp3",),
    "wav": ("wav",),
    "clip": ("mp4",),
    "covers": ("png", "png"),
    "lyrics": (),
    "words": (),
    "midi": (),
    "style": (),
}
