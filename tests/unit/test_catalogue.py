"""The catalogue: every entry is sound, and inputs are checked before they cost anything."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import pytest

from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.catalogue import Model, find
from kie_gateway.catalogue.check import check_input, fill
from kie_gateway.kie.families.registry import family_of
from tests.inputs import LINK, smallest_input

MODELS = catalogue.every()
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)


def known(model_id: str) -> Model:
    model = find(model_id)
    assert model is not None
    return model


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    return jsonschema_rs.is_valid(dict(schema), value)


def faults(model_id: str, given: dict[str, Any]) -> dict[str, str]:
    return {fault.pointer: fault.detail for fault in check_input(known(model_id), given)}


def test_the_file_is_sorted_and_written_one_model_a_line() -> None:
    lines = catalogue.PATH.read_text(encoding="utf-8").splitlines()
    ids = [json.loads(line.rstrip(","))["id"] for line in lines[1:-1]]
    assert ids == [model.id for model in MODELS] == sorted(ids)


def test_every_name_leads_to_one_model() -> None:
    names = [name for model in MODELS for name in (model.id, *model.aliases)]
    assert len(names) == len(set(names))


@every_model
def test_an_entry_is_sound(model: Model) -> None:
    assert model.kind in ("image", "video", "audio", "text", "data")
    assert model.status in ("current", "unlisted", "retired")
    assert model.tasks
    assert model.typical_seconds > 0
    assert model.typical_source in ("live", "reported", "prior")
    assert model.confidence in ("doc", "live", "many", "one", "inf")
    assert model.page == "" or model.page.startswith("/")
    assert {family_of(name).name for name in (model.id, *model.aliases)} == {model.family}


@every_model
def test_a_schema_is_sound(model: Model) -> None:
    assert jsonschema_rs.meta.is_valid(dict(model.input))
    for name in model.field_names():
        for schema in model.properties(name):
            assert "default" not in schema or fits(schema["default"], schema)
    for named in (model, *(known(alias) for alias in model.aliases)):
        for name, value in named.fill.items():
            assert all(fits(value, schema) for schema in named.properties(name))


@every_model
def test_the_smallest_input_passes_and_nothing_less(model: Model) -> None:
    given = fill(model, smallest_input(model.input))
    assert check_input(model, given) == []
    for name in model.input.get("required", ()):
        less = {other: value for other, value in given.items() if other != name}
        assert f"/input/{name}" in faults(model.id, less)


@every_model
def test_fields_with_links_take_no_other_text(model: Model) -> None:
    for name in model.field_names():
        looks_like_link = name.endswith(("_url", "_urls", "Url", "Urls", "UrlList"))
        for schema in model.properties(name):
            inner = schema.get("items", schema)
            if looks_like_link and inner.get("type") == "string":
                assert inner.get("format") == "uri", name


@pytest.mark.parametrize(
    ("model_id", "given", "wrong"),
    [
        ("google/nano-banana", {}, {"/input/prompt": "required: text"}),
        (
            "wan/2-5-text-to-video",
            {"prompt": "x"},
            {"/input/duration": 'required: one of "5", "10"'},
        ),
        ("google/nano-banana", {"prompt": 7}, {"/input/prompt": "must be text"}),
        (
            "google/nano-banana",
            {"prompt": "x" * 5001, "aspect_ratio": "7:1"},
            {
                "/input/prompt": "at most 5000 characters",
                "/input/aspect_ratio": "must be one of 1:1, 9:16, 16:9, 3:4, 4:3, 3:2, 2:3, 5:4,"
                " 4:5, 21:9, auto",
            },
        ),
        (
            "google/nano-banana-edit",
            {"prompt": "x", "image_urls": []},
            {"/input/image_urls": "at least 1 entry"},
        ),
        (
            "google/nano-banana-edit",
            {"prompt": "x", "image_urls": [LINK] * 11},
            {"/input/image_urls": "at most 10 entries"},
        ),
        (
            "seedream/5-pro-text-to-image",
            {"prompt": "x", "aspect_ratio": "1:1", "quality": "basic"},
            {"/input/prompt": "at least 3 characters"},
        ),
        (
            "happyhorse/text-to-video",
            {"prompt": "x", "duration": 99, "seed": -1},
            {"/input/duration": "at most 15", "/input/seed": "at least 0"},
        ),
        (
            "happyhorse/text-to-video",
            {"prompt": "x", "duration": "5"},
            {"/input/duration": "must be a whole number"},
        ),
        (
            "kling-2.6/text-to-video",
            {"prompt": "x", "sound": False, "duration": 7},
            {"/input/duration": 'must be one of "5", "10"; must be text'},
        ),
        (
            "elevenlabs/text-to-dialogue-v3",
            {"dialogue": [{"text": "x", "voice": "y"}, {"text": 7}]},
            {"/input/dialogue/1/text": "must be text", "/input/dialogue/1/voice": "required"},
        ),
        ("google/nano-banana", {"prompt": None}, {"/input/prompt": "must be text"}),
    ],
)
def test_every_fault_is_named(model_id: str, given: dict[str, Any], wrong: dict[str, str]) -> None:
    assert faults(model_id, fill(known(model_id), given)) == wrong


def test_bottomless_inputs_are_refused() -> None:
    bottomless = json.loads("[" * 255 + "]" * 255)
    given = {"prompt": "x", "a": bottomless}
    assert faults("google/nano-banana", given) == {"/input": "nested too deeply"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("aspectratio", "; did you mean aspect_ratio?"),
        ("negativePrompt", "; did you mean negative_prompt?"),
        ("zzz", "."),
        ("a/b~c", "."),
    ],
)
def test_unknown_fields_are_named_with_the_closest_known_one(name: str, hint: str) -> None:
    pointer = "/input/" + name.replace("~", "~0").replace("/", "~1")
    words = f'unknown field{hint} Send "validate": false to pass it through'
    assert faults("google/imagen4-fast", {"prompt": "x", name: 1}) == {pointer: words}


@pytest.mark.parametrize(
    "link",
    [
        LINK,
        "http://example.com/a.png?x=1",
        "kg-upload://upload_01kjd3x7h8000000000000000a.png",
        "data:image/png;base64,iVBORw0KGgo=",
        "oss://bucket/a.mp4",
        "asset://a1",
    ],
)
def test_links_that_kie_can_fetch_pass(link: str) -> None:
    assert faults("google/nano-banana-edit", {"prompt": "x", "image_urls": [link]}) == {}


@pytest.mark.parametrize(
    "link", ["", "a.png", "/tmp/a.png", "C:\\a.png", "ftp://e.org/a", "https://", "https://e .org"]
)
def test_links_that_kie_cannot_fetch_are_named(link: str) -> None:
    found = faults("google/nano-banana-edit", {"prompt": "x", "image_urls": [LINK, link]})
    assert list(found) == ["/input/image_urls/1"]
    assert found["/input/image_urls/1"].startswith("must be a public http(s) link")


CLIP = {"prompt": "long enough", "duration": 5, "quality": "720p"}


@pytest.mark.parametrize(
    ("model_id", "given", "wrong"),
    [
        ("pixverse-v6/extend", {**CLIP, "taskId": "t"}, {}),
        ("pixverse-v6/extend", {**CLIP, "video_url": LINK}, {}),
        (
            "pixverse-v6/extend",
            CLIP,
            {"/input/taskId": 'required: text, in the form "TaskId" (there is also "Video")'},
        ),
        (
            "pixverse-v6/extend",
            {"prompt": "long enough", "video_url": LINK, "duration": 5},
            {
                "/input/quality": "required: one of 360p, 540p, 720p, 1080p, in the form"
                ' "Video" (there is also "TaskId")'
            },
        ),
        (
            "pixverse-v6/extend",
            {**CLIP, "taskId": "t", "video_url": LINK},
            {
                "/input/video_url": "cannot be combined with the other fields, in the form"
                ' "TaskId" (there is also "Video")'
            },
        ),
        (
            "kling-3.0-omni/image-to-video",
            {"image_urls": [LINK] * 2},
            {
                "/input/prompt": 'required: text, in the form "First and Last Frames" (there is'
                ' also "Single First Frame")'
            },
        ),
        (
            "kling-3.0-omni/reference-to-video",
            {"prompt": "x", "image_urls": [LINK], "video_urls": [LINK]},
            {
                "/input/audio": 'required: true or false, in the form "Video with Images" (there'
                ' is also "No Video Input", "Video Input Only")'
            },
        ),
        ("gpt4o-image", {"filesUrl": [LINK]}, {}),
        (
            "gpt4o-image",
            {},
            {
                "/input/prompt": 'required: text, in the form "by words" (there is also'
                ' "by pictures")'
            },
        ),
    ],
)
def test_a_model_with_several_ways_says_what_the_nearest_one_lacks(
    model_id: str, given: dict[str, Any], wrong: dict[str, str]
) -> None:
    assert faults(model_id, fill(known(model_id), given)) == wrong


def test_references_that_a_first_frame_would_silence_are_named() -> None:
    given = {"first_frame_url": LINK, "reference_image_urls": [LINK], "reference_audio_urls": []}
    assert faults("bytedance/seedance-2", given) == {
        "/input/reference_image_urls": "cannot be combined with first_frame_url: omit one of them"
    }


def test_defaults_of_required_fields_are_filled_in_and_others_are_not() -> None:
    assert fill(known("z-image"), {"prompt": "x"}) == {"prompt": "x", "aspect_ratio": "1:1"}
    assert fill(known("z-image"), {"aspect_ratio": "4:3"})["aspect_ratio"] == "4:3"
    assert fill(known("google/nano-banana"), {"prompt": "x"}) == {"prompt": "x"}


def test_a_version_of_suno_in_the_place_of_the_model_is_filled_in() -> None:
    for name in ("V4_5", "v4_5", "suno/V4_5"):
        assert known(name).id == "suno/generate"
        assert fill(known(name), {})["model"] == "V4_5"


def test_other_names_lead_to_the_same_model() -> None:
    assert known("4o-image") is known("gpt4o-image") is known("4O-Image")
    assert known("aleph").id == "runway/aleph"


def test_ids_that_kie_would_not_know_are_not_found() -> None:
    assert find("nobody/knows-it") is None
    assert find("Google/Nano-Banana") is None


def test_close_ids_are_named() -> None:
    assert "google/nano-banana" in catalogue.similar("google/nanobanana")


def test_typical_times_are_told_of_known_models_only() -> None:
    assert catalogue.typical_seconds("wan/2-7-videoedit") == 786
    assert catalogue.typical_seconds("nobody/knows-it") is None


def test_nobody_pays_for_the_file_or_the_checker_before_they_are_needed() -> None:
    code = (
        "import sys; from kie_gateway.catalogue import catalogue, check, estimate;"
        " assert catalogue._models.cache_info().currsize == 0;"
        " assert 'jsonschema_rs' not in sys.modules;"
        " check.check_input(catalogue.find('z-image'), {});"
        " assert 'jsonschema_rs' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=catalogue.PATH.parents[2])
