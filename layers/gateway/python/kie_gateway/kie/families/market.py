"""
The Market API ("jobs"): most models of Kie.ai, and since autumn 2026 all that its pages describe.

Sources: Kie's pages "Market quickstart" and "Get task detail" (documented); field sets of April and
September 2026 (recorded live traffic); Suno's envelope inside `resultJson` (two clients, real
runs); objects, strings and double encoding in `resultUrls` (several public clients); the inputs of
models that had endpoints of their own before (documented, 24 September and 7 October 2026).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kie_gateway.core.polling.report import Report
from kie_gateway.core.results import Source
from kie_gateway.core.spelling import respelled
from kie_gateway.kie import reading, songs, wire
from kie_gateway.kie.families.family import Call, Family
from kie_gateway.kie.tracks import are_silent, read_tracks, with_tracks

# Models that had endpoints of their own, with inputs in camel case, and what they take here. Two
# pages still have names of that time.
_MOVED: dict[str, tuple[str, ...]] = {
    "4o-image-api": (
        *("size", "prompt", "files_url", "file_url", "isEnhance", "uploadCn", "enableFallback"),
        "fallbackModel",
    ),
    "flux1-kontext": (
        *("prompt", "input_image", "aspect_ratio", "output_format", "enable_translation"),
        *("prompt_upsampling", "safety_tolerance", "upload_cn", "watermark"),
    ),
    "runway": ("prompt", "duration", "quality", "image_url", "aspect_ratio", "watermark"),
    "runway/extend-ai-video": ("task_id", "prompt", "quality", "watermark"),
    "runway/gen4-aleph": (
        *("prompt", "video_url", "reference_image", "aspect_ratio", "seed", "watermark"),
        "upload_cn",
    ),
    "veo-3-1": (
        *("prompt", "image_urls", "generation_type", "aspect_ratio", "resolution", "duration"),
        *("enable_translation", "enable_fallback", "watermark"),
    ),
    "veo/extend": ("task_id", "prompt", "seeds", "watermark"),
    "veo/get-1080p-video": ("taskId", "index"),
    "veo/get-4k-video": ("task_id", "index"),
}
_SUNO = "ai-music-api/"
_SUNO_FIELDS = (
    *("prompt", "custom_mode", "instrumental", "model", "style", "title", "negative_tags"),
    *("vocal_gender", "style_weight", "weirdness_constraint", "audio_weight", "variety"),
    *("persona_id", "persona_model", "duration", "lyrics", "audio_id", "continue_at"),
    *("upload_url", "upload_url_list", "tags", "task_id", "infill_start_s", "infill_end_s"),
    *("full_lyrics", "sound_loop", "sound_tempo", "sound_key", "grab_lyrics", "type"),
    *("stem_name", "audio_url", "author", "domain_name", "content", "name", "description"),
    *("vocal_start", "vocal_end", "vocal_start_s", "vocal_end_s", "voice_url", "verify_url"),
)
# As a model of its own, a version of Suno is refused: it stands in the input.
_VERSION = re.compile(r"(?:suno/)?(v\d(?:_[a-z0-9]+)*)", re.IGNORECASE)
_FRAME_KEYS = ("firstFrameUrl", "lastFrameUrl")
_INNER = ("data", "resultObject", "response")


class _Market(Family):
    def speaks(self, model: str) -> bool:
        """Speak for every model that no other family claims: new ones come every week."""
        del model
        return True

    def creation(self, model: str, task_input: Mapping[str, Any], callback_url: str) -> Call:
        """Ask for a task; `callBackUrl` inside `input` would silently never be called."""
        version = _VERSION.fullmatch(model)
        if version is not None:
            model, task_input = f"{_SUNO}generate", {**task_input, "model": version[1].upper()}
        names = _SUNO_FIELDS if model.startswith(_SUNO) else _MOVED.get(model, ())
        given = respelled(task_input, names)
        body = {"model": model, "callBackUrl": callback_url, "input": given}
        return Call("POST", "/api/v1/jobs/createTask", body=body)

    def interpret(self, body: Any) -> Report:
        """Read an answer of `recordInfo`, or a webhook: both carry the same `data`."""
        _, _, data = reading.envelope(body)
        results = [one for name in ("resultJson", "response") for one in _objects(data.get(name))]
        inner = [one for result in results for name in _INNER for one in _objects(result.get(name))]
        holders = [*results, *inner]
        lists = songs.lists_in(holders)
        tracks = read_tracks(lists)
        # Their pictures are there first, and are none of the results.
        is_early = str(data.get("model")).startswith(_SUNO) and are_silent(lists)
        sources = (
            tracks.sources
            or reading.sources_of(iter(()) if is_early else _links(data, results))
            or songs.words_in(lists)
            or songs.others_in(holders, data)
            or _documents(results)
        )
        return with_tracks(reading.conclude(reading.look(body, sources)), tracks)


def _objects(value: Any) -> tuple[dict[str, Any], ...]:
    found = wire.decoded(value)
    return (found,) if isinstance(found, dict) else ()


def _links(data: dict[str, Any], results: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield from reading.links(data, (*reading.RESULT_KEYS, *_FRAME_KEYS))
    for result in results:
        # Detection models: masks and the like, under names of their own.
        yield from wire.links(result.get("resultObject"))


def _documents(results: Sequence[dict[str, Any]]) -> tuple[Source, ...]:
    """Keep what a detection or text model found, where it made no file."""
    found = (wire.decoded(result.get("resultObject")) for result in results)
    return tuple(reading.json_document(one) for one in found if one)


FAMILY = _Market(
    name="market",
    typical_seconds=60.0,
    creations={},
    asking_path="/api/v1/jobs/recordInfo",
    history_path="/api/v1/playground/pageRecordListByDoris",
)
