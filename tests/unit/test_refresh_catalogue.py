"""The catalogue follows Kie's own list, and never loses what is known."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_gateway.catalogue.catalogue import PATH
from scripts.refresh_catalogue import IncompleteListError, input_schema, main, refresh, write


def entry(model_id: str, **more: Any) -> dict[str, Any]:
    known = {"id": model_id, "family": "market", "status": "current", "input": {"type": "object"}}
    return {**known, "credits": {"text": "4", "rule": {"amount": 4}}, **more}


def listed(model_id: str, **more: Any) -> dict[str, Any]:
    return {"model": model_id, "taskType": ["Text to Video"], "pricingDesc": "4", **more}


def nothing(_: str) -> None:
    return None


def test_a_new_model_is_added_with_what_its_list_says() -> None:
    said = listed("new/one", title="One", taskType=["Text to Video", "Image to Video"])
    [new], changes = refresh([], [said], nothing)
    assert changes == ["new: new/one"]
    assert new == {
        "id": "new/one",
        "title": "One",
        "family": "market",
        "kind": "video",
        "tasks": ["text_to_video", "image_to_video"],
        "status": "current",
        "typical_seconds": 150,
        "typical_source": "prior",
        "confidence": "live",
        "credits": {"text": "4", "rule": None},
        "input": {"type": "object"},
    }


@pytest.mark.parametrize(
    ("task_type", "kind"),
    [
        ("Text to Image", "image"),
        ("Image to Image", "image"),
        ("Image Upscale", "image"),
        ("Video to Video", "video"),
        ("Lip Sync", "video"),
        ("Text to Music", "audio"),
        ("Text to Speech", "audio"),
        ("Speech to Text", "text"),
    ],
)
def test_its_kind_is_what_its_tasks_make(task_type: str, kind: str) -> None:
    [new], _ = refresh([], [listed("a", taskType=[task_type])], nothing)
    assert new["kind"] == kind


@pytest.mark.parametrize(
    "said",
    [
        listed("claude-x", taskType=["Chat"]),
        listed("some-model", taskType=None),
        listed("gemini-omni-audio", taskType=["Text to Speech"]),
    ],
)
def test_what_makes_no_tasks_is_left_out(said: dict[str, Any]) -> None:
    assert refresh([], [said], nothing) == ([], [])


def test_its_own_schema_is_taken_where_there_is_one_and_its_defaults_are_filled_in() -> None:
    properties = {"prompt": {"type": "string"}, "size": {"type": "string", "default": "1K"}}
    schema = {"type": "object", "properties": properties, "required": ["prompt", "size"]}
    [new], _ = refresh([], [listed("new/one")], lambda _: schema)
    assert new["input"] == {"type": "object", "properties": properties, "required": ["prompt"]}
    assert new["fill"] == {"size": "1K"}


def test_what_is_gone_stays_and_says_so_until_it_is_back() -> None:
    entries, changes = refresh([entry("a"), entry("b")], [listed("a")], nothing)
    assert [one["status"] for one in entries] == ["current", "unlisted"]
    assert changes == ["not listed any more: b"]
    again, changes = refresh(entries, [listed("a"), listed("b")], nothing)
    assert [one["status"] for one in again] == ["current", "current"]
    assert changes == ["listed again: b"]


def test_models_of_other_families_and_retired_ones_need_not_be_listed() -> None:
    known = [entry("suno/extend", family="suno"), entry("x", status="retired")]
    assert refresh(known, [], nothing) == (known, [])


def test_a_retired_model_that_is_listed_is_for_people_to_look_at() -> None:
    known = entry("x", status="retired")
    assert refresh([known], [listed("x")], nothing) == (
        [known],
        ["listed although retired: x (look at it)"],
    )


def test_prices_are_taken_over_and_schemas_are_not() -> None:
    before = entry("a", input={"type": "object", "required": ["x"]})
    [after], changes = refresh([before], [listed("a", pricingDesc="5")], nothing)
    assert after["credits"] == {"text": "5", "rule": {"amount": 4}}
    assert after["input"] == before["input"]
    assert changes == ["price: a: 5 (look at its rule)"]


@pytest.mark.parametrize("price", [None, "", " "])
def test_a_price_that_is_not_told_leaves_the_old_one(price: str | None) -> None:
    known = entry("a")
    assert refresh([known], [listed("a", pricingDesc=price)], nothing) == ([known], [])


def test_a_list_that_lacks_most_models_is_not_believed() -> None:
    with pytest.raises(IncompleteListError, match="only 1 of 3 known models are listed"):
        refresh([entry("a"), entry("b"), entry("c")], [listed("a")], nothing)


def document(schema: Any, path: str = "/api/v1/jobs/createTask") -> dict[str, Any]:
    content = {"application/json": {"schema": {"properties": {"input": schema}}}}
    return {
        "paths": {path: {"post": {"requestBody": {"content": content}}}},
        "components": {
            "schemas": {
                "the input ": {
                    "properties": {"prompt": {"$ref": "#/components/schemas/text"}},
                    "required": ["prompt"],
                    "x-order": ["prompt"],
                },
                "text": {"type": "string", "examples": ["a kite"]},
            }
        },
    }


PATHS = "/api/v1/playground/model-paths"
REFERENCE = {"$ref": "#/components/schemas/the%20input%20"}
INPUT = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}


def test_the_schema_of_an_input_is_found_in_the_openapi_document() -> None:
    assert input_schema(document(REFERENCE)) == INPUT


def test_ways_to_ask_a_model_get_titles() -> None:
    ways = [{"title": "by id", "required": ["id"]}, {"required": ["url"]}]
    found = input_schema(document({"oneOf": ways}))
    assert found == {
        "type": "object",
        "anyOf": [ways[0], {"title": "way 2", "required": ["url"]}],
    }


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"paths": None},
        document(REFERENCE, path="/v1/messages"),
        document({"$ref": "#/components/schemas/nowhere"}),
    ],
)
def test_documents_without_a_task_have_no_schema(said: Any) -> None:
    assert input_schema(said) is None


class Kie:
    """Kie's list, as MockTransport wants it."""

    def __init__(self, *models: dict[str, Any]) -> None:
        self.models = models
        self.paths: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.raw_path.decode())
        if request.url.path == PATHS:
            return answer([one["model"] for one in self.models])
        assert request.headers["Authorization"] == "Bearer a-key"
        if request.url.path.endswith("/broken/schema"):
            return httpx.Response(502, text="<html>")
        if request.url.path.endswith("/schema"):
            return answer({"model": "new/one", "openapi": document(REFERENCE)})
        return answer({"total": len(self.models), "models": list(self.models)})


def answer(data: Any, code: int = 200) -> httpx.Response:
    return httpx.Response(200, json={"code": code, "msg": "no access", "data": data})


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a catalogue of one model, and a key."""
    monkeypatch.setenv("KIE_API_KEY", "a-key")
    monkeypatch.setenv("KIE_BASE_URL", "https://kie.test")
    write([entry("a")], tmp_path / "models.json")
    return tmp_path / "models.json"


def read(file: Path) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in json.loads(file.read_text())}


def test_kie_is_asked_once_a_second_and_the_file_is_written(file: Path) -> None:
    kie, pauses = Kie(listed("a"), listed("new/one"), listed("broken")), list[float]()
    transport = httpx.MockTransport(kie)
    assert main(["--schemas"], path=file, transport=transport, pause=pauses.append) == 0
    assert kie.paths == [
        PATHS,
        "/api/v1/models",
        "/api/v1/models/new/one/schema",
        "/api/v1/models/broken/schema",
    ]
    assert pauses == [1.0, 1.0]
    assert read(file)["new/one"]["input"] == INPUT
    assert read(file)["broken"]["input"] == {"type": "object"}


def test_schemas_are_only_asked_for_when_told_to(file: Path) -> None:
    kie = Kie(listed("a"), listed("new/one"))
    assert main([], path=file, transport=httpx.MockTransport(kie)) == 0
    assert kie.paths == [PATHS, "/api/v1/models"]


def test_a_dry_run_tells_and_writes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transport = httpx.MockTransport(Kie(listed("a"), listed("b")))
    before = file.read_text()
    assert main(["--dry-run"], path=file, transport=transport) == 0
    assert capsys.readouterr().out == "new at Kie.ai: b\nnew: b\n"
    assert file.read_text() == before


def test_an_answer_in_a_file_needs_neither_key_nor_network(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KIE_API_KEY")
    said = file.with_name("answer.json")
    said.write_text(json.dumps({"data": {"models": [listed("a"), listed("b")]}}))
    assert main(["--from", str(said)], path=file) == 0
    assert set(read(file)) == {"a", "b"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(None, code=401), "Kie.ai answered 401: no access"),
        (httpx.Response(502, text="<html>"), "502 Bad Gateway"),
        (answer([]), "only 0 of 1 known models are listed"),
    ],
)
def test_nothing_is_changed_if_kie_does_not_tell(
    file: Path, said: httpx.Response, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file.read_text()
    assert main([], path=file, transport=httpx.MockTransport(lambda _: said)) == 1
    told = capsys.readouterr().err
    assert told.startswith("nothing was changed: ")
    assert why in told
    assert file.read_text() == before


def test_a_full_list_that_lacks_most_models_changes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(request: httpx.Request) -> httpx.Response:
        return answer(["a"] if request.url.path == PATHS else {"models": []})

    before = file.read_text()
    assert main([], path=file, transport=httpx.MockTransport(told)) == 1
    assert "only 0 of 1 known models are listed" in capsys.readouterr().err
    assert file.read_text() == before


def test_without_a_key_the_ids_are_compared_and_nothing_is_written(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KIE_API_KEY")
    known = [
        entry("a"),
        entry("b"),
        entry("c", status="unlisted"),
        entry("d", aliases={"e": {}}),
        entry("old", family="veo"),
    ]
    write(known, file)
    before = file.read_text()
    kie = Kie(listed("a"), listed("c"), listed("d"), listed("e"), listed("f"), listed("g"))
    assert main([], path=file, transport=httpx.MockTransport(kie)) == 0
    assert kie.paths == [PATHS]
    assert capsys.readouterr().out.splitlines()[:-1] == [
        "new at Kie.ai: f",
        "new at Kie.ai: g",
        "gone from Kie.ai: b",
        "changed: c: unlisted here, and listed by Kie.ai",
    ]
    assert file.read_text() == before


def test_schemas_are_told_to_nobody_without_a_key(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KIE_API_KEY")
    with pytest.raises(SystemExit):
        main(["--schemas"], path=file)


def test_the_file_is_written_as_it_was(tmp_path: Path) -> None:
    write(json.loads(PATH.read_text()), tmp_path / "models.json")
    assert (tmp_path / "models.json").read_text() == PATH.read_text()
