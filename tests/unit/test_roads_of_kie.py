"""Kie.ai's two roads: what its pages document is accepted, and goes where it is honoured."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.check import check_input, fill
from kie_gateway.kie.client import KieClient
from kie_gateway.kie.families.registry import family, family_of
from kie_gateway.kie.http import KieHttp
from tests.flows import CALLBACK, REDACTION
from tests.inputs import LINK, smallest_input
from tests.makers import make_task, running_task

CREATE_TASK = "/api/v1/jobs/createTask"
RECORD_INFO = "/api/v1/jobs/recordInfo"
VERSION = {"model": "V6"}
TRACK = {"task_id": "t", "audio_id": "a"}
TUNING = {"style_weight": 0.5, "weirdness_constraint": 0.5, "audio_weight": 0.5, "variety": 2}
VOICE = {"negative_tags": "rap", "vocal_gender": "f", "persona_id": "p"}
SONG = {**VERSION, **TUNING, **VOICE, "style": "jazz", "title": "Kite", "lyrics": "up it goes"}

# The input of every page of 24 September and 7 October 2026 that had endpoints of its own before.
DOCUMENTED: dict[str, dict[str, Any]] = {
    "4o-image-api": {
        "prompt": "a kite", "files_url": [LINK] * 5, "size": "3:2", "isEnhance": False,
        "uploadCn": False, "enableFallback": False, "fallbackModel": "FLUX_MAX",
    },
    "flux1-kontext": {
        "prompt": "a kite", "enable_translation": True, "upload_cn": False, "input_image": LINK,
        "aspect_ratio": "16:9", "output_format": "jpeg", "prompt_upsampling": False,
        "safety_tolerance": 2, "watermark": "me",
    },
    "runway": {
        "prompt": "a kite", "image_url": LINK, "duration": 5, "quality": "1080p",
        "aspect_ratio": "9:16", "watermark": "me",
    },
    "runway/extend-ai-video": {
        "task_id": "t", "prompt": "higher", "quality": "720p", "watermark": "me"
    },
    "runway/gen4-aleph": {
        "prompt": "a kite", "video_url": LINK, "watermark": "me", "upload_cn": False,
        "aspect_ratio": "21:9", "seed": 7, "reference_image": LINK,
    },
    "veo-3-1": {
        "prompt": "a kite", "image_urls": [LINK] * 2,
        "generation_type": "FIRST_AND_LAST_FRAMES_2_VIDEO", "aspect_ratio": "Auto",
        "resolution": "4k", "duration": 8, "enable_translation": True, "watermark": "me",
    },
    "veo/extend": {"task_id": "t", "prompt": "higher", "seeds": 12345, "watermark": "me"},
    "veo/get-1080p-video": {"taskId": "t", "index": "0"},
    "veo/get-4k-video": {"task_id": "t", "index": 0},
    "ai-music-api/generate": {
        **SONG, "custom_mode": True, "instrumental": False, "persona_model": "style_persona",
        "duration": 120,
    },
    "ai-music-api/extend": {**SONG, "audio_id": "a", "continue_at": 42.5, "instrumental": False},
    "ai-music-api/upload-and-cover-audio": {**SONG, "upload_url": LINK, "instrumental": False},
    "ai-music-api/upload-and-extend-audio": {
        **SONG, "upload_url": LINK, "continue_at": 10, "instrumental": False
    },
    "ai-music-api/add-vocals": {
        **VERSION, **TUNING, "upload_url": LINK, "prompt": "sing", "title": "Kite",
        "style": "soul", "negative_tags": "rap", "vocal_gender": "m",
    },
    "ai-music-api/add-instrumental": {
        **VERSION, **TUNING, "upload_url": LINK, "tags": "piano", "title": "Kite",
        "negative_tags": "rap",
    },
    "ai-music-api/mashup": {
        **SONG, "upload_url_list": [LINK, LINK], "instrumental": False, "prompt": "x"
    },
    "ai-music-api/replace-section": {
        **TRACK, **TUNING, "prompt": "x", "tags": "pop", "title": "Kite", "infill_start_s": 10,
        "infill_end_s": 20.5, "full_lyrics": "x", "negative_tags": "rap", "vocal_gender": "f",
    },
    "ai-music-api/sounds": {
        "prompt": "a knock", "model": "V6_MINI", "sound_loop": True, "sound_tempo": 120,
        "sound_key": "D#m", "grab_lyrics": False,
    },
    "ai-music-api/generate-lyrics": {"prompt": "of kites"},
    "ai-music-api/timeStamped-lyrics": TRACK,
    "ai-music-api/separate-vocals": {**TRACK, "type": "split_stem_advanced", "stem_name": "Bass"},
    "ai-music-api/convert-to-wav-format": TRACK,
    "ai-music-api/create-music-video": {**TRACK, "author": "me", "domain_name": "example.com"},
    "ai-music-api/generate-midi-from-audio": TRACK,
    "ai-music-api/cover-generate": {"task_id": "t"},
    "ai-music-api/boost-music-style": {"content": "calm"},
    "ai-music-api/generate-persona": {**TRACK, "name": "n", "description": "d", "vocal_end": 20},
}  # fmt: skip
every_documented = pytest.mark.parametrize("model", DOCUMENTED)

# A field of the old endpoint, and what the same page calls it now.
FIELDS_OF_BOTH_ROADS = [
    ("veo3_fast", "veo-3-1", {"imageUrls": [LINK]}, {"image_urls": [LINK]}),
    (
        "veo3_lite",
        "veo-3-1",
        {"generationType": "REFERENCE_2_VIDEO"},
        {"generation_type": "REFERENCE_2_VIDEO"},
    ),
    ("veo3/4k", "veo/get-4k-video", {"taskId": "t"}, {"task_id": "t"}),
    ("veo3/extend", "veo/extend", {"taskId": "t"}, {"task_id": "t"}),
    ("runway/generate", "runway", {"imageUrl": LINK}, {"image_url": LINK}),
    ("runway/generate", "runway", {"waterMark": "me"}, {"watermark": "me"}),
    ("runway/extend", "runway/extend-ai-video", {"taskId": "t"}, {"task_id": "t"}),
    ("runway/aleph", "runway/gen4-aleph", {"videoUrl": LINK}, {"video_url": LINK}),
    ("gpt4o-image", "4o-image-api", {"filesUrl": [LINK]}, {"files_url": [LINK]}),
    ("flux-kontext-max", "flux1-kontext", {"inputImage": LINK}, {"input_image": LINK}),
    ("suno/upload-cover", "ai-music-api/upload-and-cover-audio", {"uploadUrl": LINK},
     {"upload_url": LINK}),
]  # fmt: skip


class Wire:
    """What Kie.ai was sent, as (path, body)."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []
        http = httpx.Client(base_url="https://kie.test", transport=httpx.MockTransport(self._note))
        self.client = KieClient(KieHttp(http, lambda: "key"), REDACTION)

    def _note(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.sent.append((request.url.path, body))
        return httpx.Response(200, json={"code": 200, "data": {"taskId": "t-1"}})


def create(model: str, task_input: Mapping[str, Any]) -> tuple[str, Any]:
    wire = Wire()
    assert wire.client.create(make_task(model=model), task_input).upstream_task_id == "t-1"
    [sent] = wire.sent
    return sent


def accepted(model: str, given: dict[str, Any]) -> dict[str, Any]:
    """Check an input as the API does; gives what is sent."""
    known = catalogue.find(model)
    assert known is not None, model
    task_input = fill(known, given)
    assert check_input(known, task_input) == []
    return task_input


@every_documented
def test_what_a_page_documents_is_accepted_and_sent_word_for_word(model: str) -> None:
    given = DOCUMENTED[model]
    path, body = create(model, accepted(model, given))
    assert path == CREATE_TASK
    assert body == {"model": model, "callBackUrl": CALLBACK, "input": given}


@every_documented
def test_a_task_of_the_new_road_is_asked_about_where_all_models_are(model: str) -> None:
    wire = Wire()
    task = running_task(
        model=model,
        family=family_of(model).name,
        input=DOCUMENTED[model],
        upstream_task_id="t-1",
    )
    assert task.family == "market"
    wire.client.ask(task)
    assert [path for path, _ in wire.sent] == [RECORD_INFO]


@every_documented
def test_a_field_that_no_page_documents_is_refused_where_the_list_is_known(model: str) -> None:
    known = catalogue.find(model)
    assert known is not None
    given = fill(known, {**DOCUMENTED[model], "zzz": 1})
    is_closed = known.input.get("additionalProperties") is False
    assert [one.pointer for one in check_input(known, given)] == ["/input/zzz"] * is_closed


@pytest.mark.parametrize("name", ["V6", "suno/V6", "v6_wild", "V6_MINI"])
def test_a_version_that_only_the_new_road_has_goes_there(name: str) -> None:
    given = accepted(name, {"prompt": "x", "custom_mode": False, "instrumental": True})
    version = name.removeprefix("suno/").upper()
    path, body = create(name, given)
    assert (path, body["model"]) == (CREATE_TASK, "ai-music-api/generate")
    assert body["input"] == {**given, "model": version}


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gpt4o-image", "/api/v1/gpt4o-image/generate"),
        ("4o-image", "/api/v1/gpt4o-image/generate"),
        ("flux-kontext-pro", "/api/v1/flux/kontext/generate"),
        ("flux-kontext-max", "/api/v1/flux/kontext/generate"),
        ("runway/generate", "/api/v1/runway/generate"),
        ("runway/extend", "/api/v1/runway/extend"),
        ("runway/aleph", "/api/v1/aleph/generate"),
        ("veo3", "/api/v1/veo/generate"),
        ("veo3_fast", "/api/v1/veo/generate"),
        ("veo3_lite", "/api/v1/veo/generate"),
        ("suno/generate", "/api/v1/generate"),
        ("V5", "/api/v1/generate"),
    ],
)
def test_the_old_endpoints_are_for_the_old_names_alone(model: str, path: str) -> None:
    known = catalogue.find(model)
    assert known is not None
    given = fill(known, smallest_input(known.input))
    assert create(model, given)[0] == path


@pytest.mark.parametrize(("old", "new", "old_field", "new_field"), FIELDS_OF_BOTH_ROADS)
def test_a_field_spelt_as_on_the_other_road_is_sent_as_the_api_knows_it(
    old: str, new: str, old_field: dict[str, Any], new_field: dict[str, Any]
) -> None:
    for model, given, meant in ((old, new_field, old_field), (new, old_field, new_field)):
        _, body = create(model, {"prompt": "x", **given})
        sent = body.get("input", body)
        assert sent.items() >= meant.items(), model
        assert not given.keys() & sent.keys(), model
        known = catalogue.find(model)
        assert known is not None
        filled = fill(known, given)
        assert filled.items() >= meant.items()
        assert not given.keys() & filled.keys()


@pytest.mark.parametrize("name", ["aspect_ratio", "aspectRatio"])
def test_a_field_that_an_api_takes_in_both_spellings_stays_as_it_is(name: str) -> None:
    given = accepted("veo3_fast", {"prompt": "x", name: "9:16"})
    assert create("veo3_fast", given)[1].items() >= {name: "9:16"}.items()


def test_a_field_that_is_there_twice_is_refused_rather_than_lost() -> None:
    known = catalogue.find("veo-3-1")
    assert known is not None
    given = {"prompt": "x", "image_urls": [LINK], "imageUrls": [LINK, LINK]}
    assert fill(known, given) == given
    assert [one.pointer for one in check_input(known, given)] == ["/input/imageUrls"]


@pytest.mark.parametrize(
    "model", [one for one in catalogue.every() if one.family != "market"], ids=lambda one: one.id
)
def test_every_field_of_the_catalogue_is_one_that_the_old_endpoint_is_known_to_take(
    model: catalogue.Model,
) -> None:
    assert set(model.field_names()) - {"model"} <= set(family(model.family).fields)


@pytest.mark.parametrize(
    "model", [one for one in catalogue.every() if one.moved], ids=lambda one: one.id
)
def test_no_field_that_the_catalogue_knows_is_renamed_on_the_new_road(
    model: catalogue.Model,
) -> None:
    given = dict.fromkeys(model.field_names(), "x")
    assert create(model.id, given)[1]["input"] == given
    assert family_of(model.id).name == "market"


def test_an_upgrade_without_an_id_is_not_taken_for_the_clip_that_it_upgrades() -> None:
    http = httpx.Client(
        base_url="https://kie.test",
        transport=httpx.MockTransport(
            lambda _: httpx.Response(200, json={"code": 400, "msg": "1080P is processing."})
        ),
    )
    client = KieClient(KieHttp(http, lambda: "key"), REDACTION)
    with pytest.raises(Exception, match="1080P is processing") as raised:
        client.create(make_task(model="veo/get-1080p-video"), {"taskId": "parent"})
    assert type(raised.value).__name__ == "SubmissionUnknownError"
    assert (
        client.create(make_task(model="veo3/1080p"), {"taskId": "parent"}).upstream_task_id
        == "parent"
    )
