"""However Kie.ai's bodies are mangled, what is concluded stays safe."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kie_gateway.core.errors.storage_errors import SourceForbiddenError
from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.core.polling.report import (
    Failed,
    Finished,
    NotUnderstood,
    NotVisible,
    Partial,
    Running,
)
from kie_gateway.kie import wire
from kie_gateway.kie.families.registry import FAMILIES, family
from kie_gateway.kie.words import Meaning, meaning_of
from sam_template.template import Template

FOLDER = Path(__file__).parents[1] / "payloads"
EXPECTED = json.loads((FOLDER / "expected" / "interpretations.json").read_text())
HOSTS = ResultHosts.parse(Template().parameters["ResultHosts"]["Default"])
ECHO = "https://echo.invalid/input.png"
ECHOES = ("param", "paramJson", "promptJson", "generateParam")
STATES = ("state", "status", "successFlag", "callbackType")
WORDS = ["", "odd", "SUCCESS", "fail", "0", "1", "3", "waiting", "TEXT_SUCCESS", "null", "ünïcode"]
VALUES: list[Any] = [
    *(None, "", 0, 1, -1, True, False, [], {}, [[]], [None], {"x": None}, 1e300, float("nan")),
    *(10**30, "null", "{", '{"', "[1", "\ud800", "\u0000", "https://", "http://[", "x" * 5000),
    *([{"a": [{"b": ["c"]}]}], {"resultUrls": {}}, "2026-13-45", -5.5, "https://e vil/x"),
]
MANGLED = 8_000
MANGLED_AT_LENGTH = 200_000


def allowed(url: str) -> bool:
    try:
        HOSTS.check(url)
    except SourceForbiddenError:
        return False
    return True


def prepared(body: Any) -> Any:
    """Put links of the test's own into the echoed request, and results on allowed hosts."""
    text = json.dumps(body).replace("files.example.org", "tempfile.aiquickdraw.com")
    body = json.loads(text)
    for holder in (body, body.get("data") if isinstance(body, dict) else None):
        if isinstance(holder, dict):
            for name in ECHOES:
                if name in holder:
                    asked = {"input": {"image_urls": [ECHO], "prompt": "x"}, "imageUrl": ECHO}
                    holder[name] = asked if name == "generateParam" else json.dumps(asked)
    return body


BODIES = {name: prepared(json.loads((FOLDER / name).read_text())) for name in EXPECTED}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], change)
    return copy


def removed(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return None
    if len(path) > 1:
        return changed(value, path[:1], lambda inner: removed(inner, path[1:]))
    if isinstance(value, dict):
        return {key: inner for key, inner in value.items() if key != path[0]}
    return [inner for index, inner in enumerate(value) if index != path[0]]


def retyped(value: Any, dice: random.Random) -> Any:
    ways: list[Callable[[Any], Any]] = [
        str,
        lambda one: [one],
        lambda one: {"value": one},
        lambda one: {"data": one},
        lambda one: json.dumps(one, default=str),
        lambda one: json.dumps(json.dumps(one, default=str)),
        bool,
        lambda _: dice.choice(VALUES),
        lambda _: dice.choice(WORDS),
        lambda one: one.upper() if isinstance(one, str) else one,
        lambda one: list(one.values()) if isinstance(one, dict) else one,
        lambda one: int(one) if isinstance(one, str) and one.isdecimal() else one,
    ]
    return dice.choice(ways)(value)


def mangle(body: Any, dice: random.Random) -> Any:
    for _ in range(dice.randint(1, 4)):
        path = dice.choice(list(places(body)))
        if dice.random() < 0.25:
            body = removed(body, path)
        else:
            body = changed(body, path, lambda value: retyped(value, dice))
    return body


def echoes(value: Any) -> Iterator[Any]:
    """Name what must never be taken for a result."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ECHOES:
                yield inner
            else:
                yield from echoes(inner)


def says(body: Any, meaning: Meaning) -> bool:
    """Whether any state word of the record, where the family reads it, means that."""
    data = wire.decoded(body.get("data")) if isinstance(body, dict) else None
    holder = data if isinstance(data, dict) else body
    if not isinstance(holder, dict):
        return False
    found = (wire.text(holder.get(name)) for name in STATES[:3])
    return any(word and meaning_of(word) is meaning for word in found)


def check(family_name: str, body: Any) -> None:
    report = family(family_name).interpret(body)
    if isinstance(report, Partial):
        assert report.missing
        report = report.finished
    assert isinstance(report, Finished | Failed | Running | NotVisible | NotUnderstood)
    match report:
        case Finished():
            assert report.sources
            for source in report.sources:
                assert (source.content is not None) or source.url
                assert "echo.invalid" not in source.url
                # Mangling invents no hosts, so whatever leads elsewhere was never a result.
                assert not source.url or allowed(source.url)
        case Failed():
            assert not (says(body, Meaning.SUCCESS) and family_name != "suno" and _links(body))
            assert report.failure.message
            assert report.failure.code
        case Running(state):
            assert state
        case _:
            pass


def _links(body: Any) -> bool:
    data = wire.decoded(body.get("data")) if isinstance(body, dict) else None
    response = wire.decoded(data.get("response")) if isinstance(data, dict) else None
    urls = response.get("resultUrls") if isinstance(response, dict) else None
    return any(True for _ in wire.links(urls))


def run(count: int, seed: int) -> None:
    dice = random.Random(seed)
    names = sorted(BODIES)
    for _ in range(count):
        name = dice.choice(names)
        body = mangle(BODIES[name], dice)
        own = EXPECTED[name]["family"]
        other = dice.choice(FAMILIES).name
        for one in (own, other):
            try:
                check(one, body)
            except Exception as error:
                raise AssertionError(f"{name} as {one}: {json.dumps(body, default=str)}") from error


def test_mangled_bodies_lead_to_nothing_unsafe() -> None:
    run(MANGLED, 1)


@pytest.mark.long
def test_very_many_mangled_bodies_lead_to_nothing_unsafe() -> None:
    run(MANGLED_AT_LENGTH, 2)


@pytest.mark.parametrize("name", sorted(BODIES))
def test_cut_off_bodies_are_no_trouble(name: str) -> None:
    raw = json.dumps(BODIES[name]).encode()
    for end in range(0, len(raw), max(len(raw) // 25, 1)):
        family(EXPECTED[name]["family"]).interpret(wire.parse(raw[:end]))


def test_an_unknown_word_is_never_taken_for_running() -> None:
    for one in FAMILIES:
        for word in ("odd", "paused", "99", "успех", "maybe later"):
            for key in ("state", "status", "successFlag"):
                body = {"code": 200, "msg": "success", "data": {"taskId": "x", key: word}}
                assert isinstance(one.interpret(body), NotUnderstood), (one.name, key, word)
