"""What Veo accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.account import Order
from simulator.inputs import POLITE, check, checked, without_callback
from simulator.refusals import RefusedError
from simulator.tasks import Stage

if TYPE_CHECKING:
    from simulator.service import Service
    from simulator.tasks import Task

    type Body = dict[str, Any]

NAME = "veo"
GENERATE, EXTEND, HD, UHD = "generate", "extend", "1080p", "4k"
_FIELDS = (
    "prompt=text! imageUrls=links:0-3 resolution=(720p|1080p|4k) duration=int(4|6|8) "
    "generationType=(TEXT_2_VIDEO|FIRST_AND_LAST_FRAMES_2_VIDEO|REFERENCE_2_VIDEO) "
    "enableTranslation=flag enableFallback=flag seeds=int:10000-99999 watermark=text"
)
_EXTEND_FIELDS = "taskId=text! prompt=text! model=text seeds=int:10000-99999 watermark=text"
_RATIOS = ("16:9", "9:16", "Auto")
_CREDITS = {
    "veo3": {"720p": 250, "1080p": 255, "4k": 370},
    "veo3_fast": {"720p": 60, "1080p": 65, "4k": 180},
    "veo3_lite": {"720p": 30, "1080p": 35, "4k": 150},
}
_EXTEND_CREDITS = {"quality": 250, "fast": 60, "lite": 30}
_UPGRADE_CREDITS = {HD: 5, UHD: 120}
_UPGRADE_FILES = {HD: ("mp4",), UHD: ("mp4", "jpg")}


def generate(body: Body) -> Order:
    """
    Find a body in order.

    Raises:
        RefusedError: It is not.

    """
    given = without_callback(body)
    model = given.get("model") or "veo3_fast"
    if model not in _CREDITS:
        raise RefusedError(422, "Invalid model")
    if ratio_of(given) not in _RATIOS:
        raise RefusedError(422, "Ratio error")
    check(given, _FIELDS, POLITE)
    _check_references(given, model)
    # The film as the model made it comes second, where the ratio is not its own.
    files = ("mp4",) if ratio_of(given) == "16:9" else ("mp4", "mp4")
    cost = _CREDITS[model][given.get("resolution") or "720p"]
    return Order(NAME, GENERATE, model, given, files, cost, id_style="veo")


def extend(service: Service, body: Body) -> Order:
    """
    Find the body of an extension in order.

    Raises:
        RefusedError: It is not, or the film is unknown, unfinished or upgraded.

    """
    given = checked(body, _EXTEND_FIELDS, POLITE)
    parent = _finished(service, given["taskId"])
    if service.tasks.get(f"{parent.task_id}.{HD}-0"):
        raise RefusedError(422, "A video that was upgraded to 1080P can not be extended")
    model = given.get("model") or "fast"
    if model not in _EXTEND_CREDITS:
        raise RefusedError(422, "Invalid model")
    # The new part, and the whole film.
    return Order(
        NAME,
        EXTEND,
        f"veo3_{model}",
        {**given, "aspect_ratio": ratio_of(parent.input)},
        ("mp4", "mp4"),
        _EXTEND_CREDITS[model],
        parent=parent.task_id,
        id_style="veo",
    )


def upgrade(service: Service, operation: str, task_id: str, index: int) -> Order:
    """
    Order a larger film.

    Raises:
        RefusedError: There is no such film, or it can not be upgraded.

    """
    parent = _finished(service, task_id)
    if parent.dials.on("fallback"):
        raise RefusedError(422, "The video was made by the fallback model")
    if index:
        raise RefusedError(422, "index is out of range")
    given = {
        "taskId": task_id,
        "index": index,
        "resolution": operation,
        "duration": parent.input.get("duration") or 8,
        "aspect_ratio": ratio_of(parent.input),
    }
    return Order(
        NAME,
        operation,
        f"veo3/{operation}",
        given,
        _UPGRADE_FILES[operation],
        _UPGRADE_CREDITS[operation],
        parent=parent.task_id,
        id_style=f".{operation}-{index}",
    )


def ratio_of(given: Body) -> str:
    return str(given.get("aspect_ratio") or given.get("aspectRatio") or "16:9")


def _check_references(given: Body, model: str) -> None:
    images, kind = given.get("imageUrls") or [], given.get("generationType")
    if kind == "REFERENCE_2_VIDEO":
        if model == "veo3" or given.get("duration") not in {None, 8} or not images:
            raise RefusedError(422, "REFERENCE_2_VIDEO needs images, another model and 8 seconds")
    elif len(images) > 2:
        raise RefusedError(422, "imageUrls is not supported")


def _finished(service: Service, task_id: str) -> Task:
    task = service.tasks.get(task_id)
    if task is None or task.family != NAME or "." in task_id:
        raise RefusedError(422, "record is null")
    if service.truth(task).stage is not Stage.SUCCEEDED:
        raise RefusedError(422, "The original video has not been generated successfully")
    return task
