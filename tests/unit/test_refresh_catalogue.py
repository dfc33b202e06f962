"""The catalogue follows Kie's own list, and never loses what is known."""

import json
from pathlib import Path
from typing import Any

from kie_gateway.catalogue.catalogue import PATH
from scripts.refresh_catalogue import refresh, write


def entry(model_id: str, **more: Any) -> dict[str, Any]:
    known = {"id": model_id, "family": "market", "status": "current", "input": {"type": "object"}}
    return {**known, "credits": {"text": "4", "rule": {"amount": 4}}, **more}


def listed(model_id: str, **more: Any) -> dict[str, Any]:
    return {"model": model_id, "taskType": ["Text to Video"], "pricingDesc": "4", **more}


def nothing(_: str) -> None:
    return None


def test_a_new_model_is_added_with_what_its_list_says() -> None:
    entries, changes = refresh([], [listed("new/one", pricingDesc="9 a clip")], nothing)
    assert changes == ["new: new/one"]
    [new] = entries
    assert (new["kind"], new["family"], new["input"]) == ("video", "market", {"type": "object"})
    assert new["credits"] == {"text": "9 a clip", "rule": None}


def test_its_own_schema_is_taken_where_there_is_one() -> None:
    schema = {"type": "object", "required": ["prompt"]}
    [new], _ = refresh([], [listed("new/one")], lambda _: schema)
    assert new["input"] == schema


def test_what_is_gone_stays_and_says_so() -> None:
    entries, changes = refresh([entry("a"), entry("b")], [listed("a")], nothing)
    assert [one["status"] for one in entries] == ["current", "unlisted"]
    assert changes == ["not listed any more: b"]
    again, changes = refresh(entries, [listed("a"), listed("b")], nothing)
    assert [one["status"] for one in again] == ["current", "current"]
    assert changes == ["listed again: b"]


def test_prices_are_taken_over_and_schemas_are_not() -> None:
    before = entry("a", input={"type": "object", "required": ["x"]})
    [after], changes = refresh([before], [listed("a", pricingDesc="5")], nothing)
    assert after["credits"] == {"text": "5", "rule": {"amount": 4}}
    assert after["input"] == before["input"]
    assert changes == ["price: a: 5 (look at its rule)"]


def test_names_that_are_no_ids_lead_to_the_model() -> None:
    known = entry("veo3_fast", family="veo")
    assert refresh([known], [listed("veo-3-1")], nothing) == ([known], [])


def test_the_file_is_written_as_it_was(tmp_path: Path) -> None:
    write(json.loads(PATH.read_text()), tmp_path / "models.json")
    assert (tmp_path / "models.json").read_text() == PATH.read_text()
