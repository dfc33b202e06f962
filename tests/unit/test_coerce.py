"""Numbers and texts that mean a value of a model's list become that value, before they are sent."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from kie_gateway.catalogue import catalogue
from kie_gateway.catalogue.catalogue import Model, find
from kie_gateway.catalogue.check import check_input, fill
from kie_gateway.catalogue.estimate import estimate
from tests.inputs import LINK, smallest_input


def known(model_id: str) -> Model:
    model = find(model_id)
    assert model is not None
    return model


def sent(model_id: str, given: dict[str, Any]) -> dict[str, Any]:
    """Check an input as the API does; gives what is sent."""
    model = known(model_id)
    filled = fill(model, given)
    assert check_input(model, filled) == []
    return filled


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def digits_in(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def listed(model: Model) -> Iterator[tuple[int, str, Any]]:
    """Name (way, field, value) of every value that a field of the model lists."""
    ways: list[Mapping[str, Any]] = [*model.input.get("anyOf", ())] or [{}]
    for number, way in enumerate(ways):
        properties = {**model.input.get("properties", {}), **way.get("properties", {})}
        for name, schema in properties.items():
            for value in schema.get("enum", ()):
                yield number, name, value


def values_of(model: Model) -> list[Any]:
    return [value for _, _, value in listed(model)]


def otherwise(value: Any) -> list[Any]:
    """Write a value in the other types that lose nothing of it."""
    if is_number(value):
        return [str(value), f"{value:.1f}", float(value)]
    number = digits_in(value) if isinstance(value, str) else None
    if number is None:
        return []
    return [number, *([int(number)] if number == int(number) else [])]


LISTED = [
    pytest.param(model, way, name, value, id=f"{model.id}-{way}-{name}-{value}")
    for model in catalogue.every()
    for way, name, value in listed(model)
    if otherwise(value)
]


@pytest.mark.parametrize(("model", "way", "name", "value"), LISTED)
def test_every_listed_number_of_every_model_can_be_given_in_other_types(
    model: Model, way: int, name: str, value: Any
) -> None:
    schema = dict(model.input)
    if "anyOf" in schema:
        schema["anyOf"] = [schema["anyOf"][way]]
    for given in otherwise(value):
        filled = fill(model, {**smallest_input(schema), name: given})
        assert filled[name] == value
        assert type(filled[name]) is type(value)
        assert not [one for one in check_input(model, filled) if one.pointer == f"/input/{name}"]


def test_there_are_many_of_them() -> None:
    named = {model.id for model in catalogue.every() if any(map(otherwise, values_of(model)))}
    assert len(named) > 40


@pytest.mark.parametrize("model", catalogue.every(), ids=lambda model: model.id)
def test_what_is_right_already_stays_as_it_is(model: Model) -> None:
    given = smallest_input(model.input)
    filled = fill(model, given)
    assert filled == {**model.fill, **given}
    assert [type(filled[name]) for name in given] == [type(value) for value in given.values()]
    for _, name, value in listed(model):
        assert fill(model, {name: value})[name] is value


KLING = {"prompt": "x", "sound": False}
OMNI = {"prompt": "x", "image_urls": [LINK]}


@pytest.mark.parametrize(
    ("model_id", "given", "name", "value"),
    [
        ("kling-2.6/text-to-video", {**KLING, "duration": 5}, "duration", "5"),
        ("kling-2.6/text-to-video", {**KLING, "duration": 10.0}, "duration", "10"),
        ("kling/v3-turbo-text-to-video", {"prompt": "x", "duration": 15}, "duration", "15"),
        ("minimax-h3/text-to-video", {"prompt": "x", "duration": "6", "aspect_ratio": "1:1"},
         "duration", 6),
        ("kling-3.0-omni/image-to-video", {**OMNI, "duration": "7"}, "duration", 7),
        ("elevenlabs/text-to-dialogue-v3",
         {"dialogue": [{"text": "x", "voice": "y"}], "stability": "0.5"}, "stability", 0.5),
        ("runway", {"prompt": "x", "quality": "720p", "image_url": LINK, "duration": "10"},
         "duration", 10),
        ("omnihuman-1-5", {"audio_url": LINK, "image_url": LINK, "output_resolution": 720},
         "output_resolution", "720"),
    ],
)  # fmt: skip
def test_kie_gets_what_it_documents(
    model_id: str, given: dict[str, Any], name: str, value: Any
) -> None:
    found = sent(model_id, given)[name]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("duration", [5.5, 7, True, "5s", "five", " ", "", None, [5], "1e1", "5.5"])
def test_what_would_be_lost_or_is_not_listed_is_refused_as_it_came(duration: Any) -> None:
    model = known("kling-2.6/text-to-video")
    filled = fill(model, {**KLING, "duration": duration})
    assert (filled["duration"], type(filled["duration"])) == (duration, type(duration))
    assert [one.pointer for one in check_input(model, filled)] == ["/input/duration"]


@pytest.mark.parametrize(
    ("model_id", "given", "pointer"),
    [
        ("kling-2.6/text-to-video", {"prompt": "x", "sound": "false"}, "/input/sound"),
        ("google/nano-banana", {"prompt": 7}, "/input/prompt"),
        ("happyhorse/text-to-video", {"prompt": "x", "duration": "5"}, "/input/duration"),
    ],
)
def test_where_no_values_are_listed_nothing_is_changed(
    model_id: str, given: dict[str, Any], pointer: str
) -> None:
    model = known(model_id)
    assert [one.pointer for one in check_input(model, fill(model, given))] == [pointer]


@pytest.mark.parametrize(
    ("allowed", "given", "meant"),
    [
        (["true", "false"], True, "true"),
        (["true", "false"], False, "false"),
        ([True, False], "true", True),
        ([True, False], "false", False),
        ([True, False], "True", "True"),
        ([True, False], 1, 1),
        ([0, 1], True, True),
        (["0", "1"], True, True),
        (["1", 1], 1, 1),
        (["5", "5.0"], 5, "5"),
        ([10**20], str(10**20), 10**20),
        (["9007199254740993"], 9007199254740992, 9007199254740992),
        (["1K"], 1, 1),
        (["nan"], float("nan"), None),
    ],
)
def test_flags_and_odd_lists(allowed: list[Any], given: Any, meant: Any) -> None:
    model = made({"flag": {"enum": allowed}})
    found = fill(model, {"flag": given})["flag"]
    if meant is None:
        assert found is given
    else:
        assert (found, type(found)) == (meant, type(meant))


def test_values_within_lists_and_objects_are_found() -> None:
    five = {"type": "string", "enum": ["5", "10"]}
    shot = {"type": "object", "properties": {"duration": five}}
    model = made({"shots": {"type": "array", "items": shot}, "all": {"items": five}, "one": shot})
    given = {"shots": [{"duration": 5, "x": 5}, 5], "all": [5, "10", 7], "one": {"duration": 10}}
    assert fill(model, given) == {
        "shots": [{"duration": "5", "x": 5}, 5],
        "all": ["5", "10", 7],
        "one": {"duration": "10"},
    }
    assert given["shots"][0] == {"duration": 5, "x": 5}  # type: ignore[index]


def test_what_is_nested_without_end_is_left_to_the_check() -> None:
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    assert fill(known("google/nano-banana"), {"zzz": deep})["zzz"] is deep


def test_a_price_is_that_of_the_value_that_was_meant() -> None:
    model = known("gemini-omni-video")
    assert estimate(model, fill(model, {"prompt": "x", "duration": 8.0})) == 105


def made(properties: dict[str, Any]) -> Model:
    return Model(
        id="x",
        title="x",
        family="market",
        kind="image",
        tasks=("x",),
        status="current",
        typical_seconds=1,
        typical_source="prior",
        confidence="doc",
        credits={"text": "", "rule": None},
        input={"type": "object", "properties": properties},
    )
