"""The catalogue: every entry is sound, inputs are checked before they cost anything."""

import json
from typing import Any

import jsonschema_rs
import pytest

from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.catalogue import Model, find
from kie_gateway.catalogue.check import check_input, fill
from kie_gateway.catalogue.estimate import estimate
from kie_gateway.kie.families.registry import family_of

MODELS = catalogue.every()


def known(model_id: str) -> Model:
    model = find(model_id)
    assert model is not None
    return model


def smallest(schema: dict[str, Any]) -> Any:
    """Make the smallest value that a schema takes."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "string":
            return (
                "https://e.org/a.png" if schema.get("format") else "x" * schema.get("minLength", 1)
            )
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "array":
            return [smallest(schema["items"])] * max(schema.get("minItems", 0), 1)
        case _:
            return {}


def smallest_input(model: Model) -> dict[str, Any]:
    schema = (model.input.get("anyOf") or [model.input])[0]
    return {name: smallest(schema["properties"][name]) for name in schema.get("required", ())}


def faults(model_id: str, given: dict[str, Any]) -> dict[str, str]:
    return {fault.pointer: fault.detail for fault in check_input(known(model_id), given)}


def test_there_are_all_models_once() -> None:
    assert len(MODELS) > 200
    names = [name for model in MODELS for name in (model.id, *model.aliases)]
    assert len(names) == len(set(names))
    assert [model.id for model in MODELS] == sorted(model.id for model in MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_an_entry_is_sound(model: Model) -> None:
    assert jsonschema_rs.meta.is_valid(dict(model.input))
    assert model.kind in ("image", "video", "audio", "text")
    assert model.status in ("current", "unlisted", "retired")
    assert model.typical_seconds > 0
    assert model.typical_source in ("live", "reported", "prior")
    assert model.confidence in ("doc", "live", "many", "one", "inf")
    assert family_of(model.id).name == model.family
    for alias in model.aliases:
        assert family_of(alias).name == model.family
    for variant in (model.input, *model.input.get("anyOf", ())):
        properties = variant.get("properties", {})
        assert set(variant.get("required", ())) <= set(properties)
        for name, schema in properties.items():
            if "default" in schema:
                assert jsonschema_rs.is_valid(schema, schema["default"]), name
    for name, value in model.fill.items():
        assert jsonschema_rs.is_valid(model.input["properties"][name], value), name


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_the_smallest_input_passes_and_has_a_price_if_any_has(model: Model) -> None:
    given = fill(model, smallest_input(model))
    assert check_input(model, given) == []
    if model.credits["rule"] is not None:
        price = estimate(model, given)
        assert price is not None
        assert price >= 0


@pytest.mark.parametrize(
    ("model_id", "given", "wrong"),
    [
        ("google/nano-banana", {}, {"/input/prompt": "required"}),
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
            {"prompt": "x", "image_urls": ["no link"]},
            {"/input/image_urls/0": "must be a public http(s) link"},
        ),
        (
            "google/nano-banana-edit",
            {"prompt": "x", "image_urls": []},
            {"/input/image_urls": "at least 1 entries"},
        ),
        (
            "kling-2.6/text-to-video",
            {"prompt": "x", "sound": False, "duration": 5},
            {"/input/duration": None},
        ),
        (
            "google/imagen4-fast",
            {"prompt": "x", "aspectratio": "1:1"},
            {
                "/input/aspectratio": "unknown field (did you mean aspect_ratio?);"
                ' "validate": false passes it through'
            },
        ),
        (
            "happyhorse/text-to-video",
            {"prompt": "x", "duration": 99},
            {"/input/duration": "at most 15"},
        ),
        ("suno/generate", {"prompt": "x", "model": "V9"}, {"/input/model": None}),
    ],
)
def test_every_fault_is_named(
    model_id: str, given: dict[str, Any], wrong: dict[str, str | None]
) -> None:
    found = faults(model_id, given)
    assert found.keys() == wrong.keys()
    for pointer, words in wrong.items():
        assert words in (None, found[pointer]), found[pointer]


def test_numbers_in_the_place_of_text_are_named_with_what_is_allowed() -> None:
    given = {"prompt": "x", "sound": False, "duration": 5}
    found = faults("kling-2.6/text-to-video", given)["/input/duration"]
    assert sorted(found.split("; ")) == ["must be one of 5, 10", "must be text"]


def test_a_model_with_several_ways_says_which() -> None:
    found = faults("pixverse-v6/extend", {"prompt": "long enough"})
    assert list(found) == ["/input"]
    assert "TaskId; Video" in found["/input"]


def test_references_to_uploads_are_links() -> None:
    reference = "kg-upload://upload_01kjd3x7h8000000000000000a.png"
    assert faults("google/nano-banana-edit", {"prompt": "x", "image_urls": [reference]}) == {}


def test_documented_defaults_of_required_fields_are_filled_in() -> None:
    assert fill(known("z-image"), {"prompt": "x"}) == {"prompt": "x", "aspect_ratio": "1:1"}
    assert fill(known("z-image"), {"aspect_ratio": "4:3"})["aspect_ratio"] == "4:3"


@pytest.mark.parametrize(
    ("model_id", "given", "credits"),
    [
        ("google/nano-banana", {}, 4),
        ("z-image", {}, 0.8),
        ("nano-banana-2", {}, 8),
        ("nano-banana-2", {"resolution": "4K"}, 18),
        ("wan/2-7-image", {"n": 4}, 19.2),
        ("bytedance/seedance-2", {"duration": 10, "resolution": "1080p"}, 1020),
        ("bytedance/seedance-1.5-pro", {"duration": 4, "generate_audio": True}, 28),
        ("kling-2.6/text-to-video", {"duration": "10", "sound": True}, 220),
        ("kling-3.0/video", {"duration": "5", "mode": "std", "sound": True}, 100),
        ("wan/2-6-text-to-video", {"duration": "15", "resolution": "720p"}, 209.5),
        ("gemini-omni-video", {"duration": "8", "resolution": "4k"}, 189),
        ("ideogram/character", {"num_images": "3", "rendering_speed": "TURBO"}, 36),
        ("elevenlabs/text-to-speech-turbo-2-5", {"text": "x" * 500}, 3),
        ("seedream/5-pro-image-to-image", {"quality": "high", "image_urls": ["a", "b", "c"]}, 15),
        ("veo3", {"resolution": "4k"}, 370),
        ("runway/generate", {"duration": 5, "quality": "1080p"}, 30),
        ("suno/vocal-removal", {"type": "split_stem"}, 50),
        ("suno/midi", {}, 0),
        ("ideogram/v3-remix", {}, None),
        ("nano-banana-2", {"resolution": "8K"}, None),
        ("bytedance/seedance-2", {"duration": "long"}, None),
    ],
)
def test_prices_follow_the_input(model_id: str, given: dict[str, Any], credits: float) -> None:  # noqa: A002
    assert estimate(known(model_id), given) == credits


def test_other_names_lead_to_the_same_model() -> None:
    assert known("4o-image") is known("gpt4o-image")
    assert find("nobody/knows-it") is None
    assert "google/nano-banana" in catalogue.similar("google/nanobanana")


def test_the_file_is_written_one_model_a_line() -> None:
    lines = catalogue.PATH.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(MODELS) + 2
    assert json.loads(lines[1].rstrip(","))["id"] == MODELS[0].id
