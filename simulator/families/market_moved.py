"""Models that had endpoints of their own: what fields ask of one another, parents and prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.refusals import RefusedError
from simulator.tasks import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.models import Model
    from simulator.service import Service
    from simulator.tasks import Task

    type Body = dict[str, Any]

_LARGER = "veo/get-1080p-video"
_PARENTS = {
    "veo/extend": "task_id",
    _LARGER: "taskId",
    "veo/get-4k-video": "task_id",
    "runway/extend-ai-video": "task_id",
}
_FILMS = {"veo": ("veo", "veo-3-1", "veo3"), "runway": ("runway",)}
_VEO_CREDITS = {"720p": 60.0, "1080p": 65.0, "4k": 180.0}
_MOST_IN_EDITS = 2


def check_moved(model: Model, given: Body) -> None:
    """
    Look at fields that depend on one another.

    Raises:
        RefusedError: They do not go together.

    """
    if model.name in _CHECKS:
        _CHECKS[model.name](given)
    if "prompt" in given and not given["prompt"] and given.get("instrumental"):
        raise RefusedError(422, "prompt cannot be empty")


def cost_of_moved(model: Model, given: Body) -> float | None:
    """Return what an input costs where that depends on its fields; None where it does not."""
    if model.name == "veo-3-1":
        return _VEO_CREDITS[given.get("resolution") or "720p"]
    if model.name in {"runway", "runway/extend-ai-video"}:
        is_more = given.get("duration") == 10 or given["quality"] == "1080p"
        return 30.0 if is_more else 12.0
    return None


def parent_of(service: Service, model: Model, given: Body) -> str:
    """
    Return the task that a film is made from, "" if it is made from none.

    Raises:
        RefusedError: There is no such film, or nothing can be made from it.

    """
    field = _PARENTS.get(model.name)
    if field is None:
        return ""
    parent = service.tasks.get(given[field])
    if parent is None or not _is_film(parent, model.name.split("/", maxsplit=1)[0]):
        raise RefusedError(422, "record is null")
    if service.truth(parent).stage is not Stage.SUCCEEDED:
        raise RefusedError(422, "The original video has not been generated successfully")
    if model.name == "veo/extend" and _is_larger(service, parent):
        raise RefusedError(422, "A video that was upgraded to 1080P can not be extended")
    if model.name != "veo/extend" and parent.dials.on("fallback"):
        raise RefusedError(422, "The video was made by the fallback model")
    return parent.task_id


def _is_film(task: Task, maker: str) -> bool:
    return task.model.startswith(_FILMS[maker]) and "." not in task.task_id


def _is_larger(service: Service, film: Task) -> bool:
    return any(
        task.model == _LARGER and task.input["taskId"] == film.task_id
        for task in service.tasks.all()
    )


def _check_pictures_or_words(given: Body) -> None:
    if not given.get("prompt") and not given.get("files_url") and not given.get("file_url"):
        raise RefusedError(422, "prompt cannot be empty")


def _check_tolerance(given: Body) -> None:
    if given.get("input_image") and (given.get("safety_tolerance") or 0) > _MOST_IN_EDITS:
        raise RefusedError(422, "safety_tolerance is not supported")


def _check_runway(given: Body) -> None:
    if given["duration"] == 10 and given["quality"] == "1080p":
        raise RefusedError(422, "A video of 10 seconds cannot have 1080p.")
    if not given.get("image_url") and not given.get("aspect_ratio"):
        raise RefusedError(422, "aspect_ratio cannot be empty")


def _check_veo(given: Body) -> None:
    pictures, kind = given.get("image_urls") or [], given.get("generation_type")
    if kind == "REFERENCE_2_VIDEO":
        if given.get("duration") not in {None, 8} or not pictures:
            raise RefusedError(422, "REFERENCE_2_VIDEO needs images and 8 seconds")
    elif len(pictures) > 2:
        raise RefusedError(422, "image_urls is not supported")


def _check_stems(given: Body) -> None:
    if not given.get("audio_url") and not (given.get("task_id") and given.get("audio_id")):
        raise RefusedError(422, "task_id cannot be empty")
    if given.get("type") == "split_stem_advanced" and not given.get("stem_name"):
        raise RefusedError(422, "stem_name cannot be empty")


_CHECKS: dict[str, Callable[[Body], None]] = {
    "4o-image-api": _check_pictures_or_words,
    "flux1-kontext": _check_tolerance,
    "runway": _check_runway,
    "veo-3-1": _check_veo,
    "ai-music-api/separate-vocals": _check_stems,
}
