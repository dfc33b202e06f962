"""
Veo 3.1 at its old endpoints, with its upgrades and extensions; `veo-3-1` is a model of the Market.

Sources: Kie's Veo pages (documented); times in milliseconds and `full_result_urls` (one client);
code 500 while a 1080p upgrade runs (several clients); code 422 with the finished 4K file
(documented). Upgrades answer under the id of the task that they upgrade.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from kie_gateway.core.spelling import respelled
from kie_gateway.kie import wire
from kie_gateway.kie.families.family import Call, Family

_GENERATE = "/api/v1/veo/generate"
_HD_PATH = "/api/v1/veo/get-1080p-video"
_UHD_PATH = "/api/v1/veo/get-4k-video"
_HD, _UHD = "veo3/1080p", "veo3/4k"
_MODELS = ("veo3", "veo3_fast", "veo3_lite")
# Recorded names end in the second of completion; clocks of both ends differ by a few.
_GUESSED_SECONDS = range(-3, 4)


class _Veo(Family):
    def creation(self, model: str, task_input: Mapping[str, Any], callback_url: str) -> Call:
        """Ask for a clip, or for a longer or larger one of an earlier task."""
        name = model.lower()
        if name == _HD:
            return self.question(model, self.known_id(model, task_input) or "", task_input)
        named = {**task_input, "model": name} if name in _MODELS else task_input
        return super().creation(model, named, callback_url)

    def known_id(self, model: str, task_input: Mapping[str, Any]) -> str | None:
        """Upgrades go by the id of the clip that they upgrade."""
        if model.lower() not in (_HD, _UHD):
            return None
        return wire.text(respelled(task_input, self.fields).get("taskId"))

    def question(self, model: str, upstream_task_id: str, task_input: Mapping[str, Any]) -> Call:
        """Ask how a task stands; upgrades are asked for again, which starts nothing new."""
        which = {"taskId": upstream_task_id, "index": task_input.get("index", 0)}
        match model.lower():
            case "veo3/1080p":
                return Call("GET", _HD_PATH, {name: str(value) for name, value in which.items()})
            case "veo3/4k":
                return Call("POST", _UHD_PATH, body=which)
            case _:
                return super().question(model, upstream_task_id, task_input)

    def guesses(self, upstream_task_id: str, completed_at: datetime | None) -> Sequence[str]:
        """Return paths of clips by id and second of completion, as recorded."""
        if completed_at is None:
            return ()
        moments = (completed_at + timedelta(seconds=n) for n in _GUESSED_SECONDS)
        return [f"/v/{upstream_task_id}_{int(moment.timestamp())}.mp4" for moment in moments]


FAMILY = _Veo(
    name="veo",
    typical_seconds=120.0,
    creations={
        **dict.fromkeys(_MODELS, _GENERATE),
        "veo3/extend": "/api/v1/veo/extend",
        _HD: _HD_PATH,
        _UHD: _UHD_PATH,
    },
    fields=(
        *("prompt", "imageUrls", "generationType", "aspect_ratio", "aspectRatio", "resolution"),
        *("duration", "enableTranslation", "enableFallback", "seeds", "watermark"),
        *("taskId", "index"),
    ),
    asking_path="/api/v1/veo/record-info",
    history_path="/client/v1/userRecord/veo-record/page",
    # After an extension the whole clip follows the new part.
    result_keys=(
        *("resultUrls", "result_urls", "resultUrl", "result_url"),
        *("fullResultUrls", "full_result_urls"),
    ),
)
