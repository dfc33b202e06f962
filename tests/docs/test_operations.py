"""What operators are told exists."""

import json
import re
from pathlib import Path

import pytest

from kie_gateway.core.task import Attention, Status
from sam_template.template import Template

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
STATES = json.loads((ROOT / "statemachine" / "watch_task.asl.json").read_text())["States"]


@pytest.mark.parametrize("attention", Attention)
def test_every_reason_to_look_is_explained(attention: Attention) -> None:
    assert f"`{attention.value}`" in OPERATIONS


def test_states_that_are_named_exist() -> None:
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", OPERATIONS))
    template = Template()
    known = STATES.keys() | template.document["Resources"].keys() | template.parameters.keys()
    folders = (ROOT / "layers" / "gateway", ROOT / "functions")
    code = "".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))
    assert [name for name in named - known if f'"{name}"' not in code] == []


def test_statuses_that_are_named_exist() -> None:
    named = set(re.findall(r"status `([a-z]+)`", OPERATIONS))
    assert named <= {status.value for status in Status}
