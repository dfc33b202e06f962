"""SAM's translator is asked where it lives, once for each template."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dev import stack, translation
from dev.translation import TranslationError, translate
from sam_template import cfn_yaml
from sam_template.template import Template

SMALLEST = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {"Table": {"Type": "AWS::Serverless::SimpleTable"}},
}


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "KEPT", tmp_path)


def test_what_was_translated_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a second start does not wait for another process."""
    first = translate(SMALLEST, {})
    assert first["Resources"]["Table"]["Type"] == "AWS::DynamoDB::Table"
    monkeypatch.setattr(translation, "PYTHON", Path("/nowhere"))
    assert translate(SMALLEST, {}) == first
    with pytest.raises(TranslationError, match=r"make \.venv-sam/\.done"):
        translate({**SMALLEST, "Description": "another"}, {})


def test_a_file_that_was_cut_off_is_translated_again(tmp_path: Path) -> None:
    """As a full disk leaves one."""
    first = translate(SMALLEST, {})
    [kept] = tmp_path.iterdir()
    kept.write_text(kept.read_text()[:20])
    assert translate(SMALLEST, {}) == first
    assert json.loads(kept.read_text()) == first


def test_what_sam_refuses_is_named() -> None:
    """In SAM's own words, and nothing is kept."""
    broken = {**SMALLEST, "Resources": {"Broken": {"Type": "AWS::Serverless::Function"}}}
    with pytest.raises(TranslationError, match="Broken"):
        translate(broken, {})
    assert not list(translation.KEPT.iterdir())


def test_one_translation_serves_all_values() -> None:
    """Whatever a parameter is set to, CloudFormation resolves it, and not the kept translation."""
    template = Template()
    values = {name: f"value-of-{name}" for name in template.parameters}
    text = json.dumps(stack.translate(template, values)["Resources"])
    assert re.findall(r"value-of-(\w+)", text) == []
    defaults = {
        str(one["Default"])
        for one in template.parameters.values()
        if one["Type"] == "String" and one.get("Default") not in {"", None, "true", "false"}
    }
    assert [value for value in defaults if f'"{value}"' in text] == []


def test_short_forms_of_functions_are_read() -> None:
    """As CloudFormation defines them."""
    text = """
    a: !Ref Name
    b: !GetAtt Name.Outputs.Arn
    c: !If [Wanted, !Sub "${Name}-x", !Ref AWS::NoValue]
    d: !Condition Wanted
    e: !Equals [!Ref Name, ""]
    """
    assert cfn_yaml.parse(text) == {
        "a": {"Ref": "Name"},
        "b": {"Fn::GetAtt": ["Name", "Outputs.Arn"]},
        "c": {"Fn::If": ["Wanted", {"Fn::Sub": "${Name}-x"}, {"Ref": "AWS::NoValue"}]},
        "d": {"Condition": "Wanted"},
        "e": {"Fn::Equals": [{"Ref": "Name"}, ""]},
    }
