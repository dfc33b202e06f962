"""Placeholders: what they stand for, and what is left alone."""

from typing import Any

import pytest

from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.groups.templates import PathError, fill, look_up, placeholders

FACTS: dict[str, Any] = {
    "input": {"prompt": "a kite", "count": 3, "flag": True, "none": None},
    "outputs": [{"url": "one"}, {"url": "two", "width": 7}],
    "metadata": {"odd-name": "x", "list": [1, 2], "braces": r"say \{{hello}} {{input.prompt}}"},
}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{{input.count}}", 3),
        ("{{ input.flag }}", True),
        ("{{outputs[1].width}} wide", "7 wide"),
        ("{{outputs[*].url}}", ["one", "two"]),
        ("{{outputs[*].url}}!", "one, two!"),
        ("{{input.flag}}, {{metadata.odd-name}}", "true, x"),
        ("{{metadata.list[1]}}", 2),
        (r"\{{input.prompt}}", "{{input.prompt}}"),
        (r"{{input.count}} \{{x}}", "3 {{x}}"),
        # What stands in a value is nobody's placeholder.
        ("{{metadata.braces}}", FACTS["metadata"]["braces"]),
        ("{{metadata.braces}}.", FACTS["metadata"]["braces"] + "."),
        ({"a": ["{{input.prompt}}", 1]}, {"a": ["a kite", 1]}),
        ("no placeholder: { {x} }", "no placeholder: { {x} }"),
    ],
)
def test_what_a_placeholder_becomes(template: Any, filled: Any) -> None:
    assert fill(template, FACTS) == filled


def test_what_is_written_into_a_text_may_be_something_else() -> None:
    in_texts = {**FACTS, "outputs": [{"url": "a link"}, {"url": "another"}]}
    template = ["{{outputs[0].url}}", "{{outputs[*].url}}", "see {{ outputs[*].url }}"]
    filled = ["one", ["one", "two"], "see a link, another"]
    assert fill(template, FACTS, in_texts) == filled


@pytest.mark.parametrize(
    "path",
    [
        *("nothing", "input.nothing", "input.none", "input.prompt.x", "outputs[2].url"),
        *("outputs.url", "input[0]", "input[*]", "", " ", "a b", "input.", "outputs[x]"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(path: str) -> None:
    with pytest.raises(PathError):
        look_up(FACTS, path)


def test_an_object_cannot_stand_in_a_text() -> None:
    with pytest.raises(PathError, match="only texts"):
        fill("x {{input}}", FACTS)


def test_placeholders_are_found_with_their_places() -> None:
    found = list(placeholders({"a": ["{{x}}", "b {{y}} {{z}}"]}, "/input"))
    assert [(one.pointer, one.path, one.is_whole) for one in found] == [
        ("/input/a/0", "x", True),
        ("/input/a/1", "y", False),
        ("/input/a/1", "z", False),
    ]


def test_derived_ids_look_like_others_sort_by_place_and_are_all_different() -> None:
    whole = "task_01kjd3x7h8000000000000000a"
    ids = [derived_task_id(whole, place) for place in range(100)]
    assert ids == sorted(ids)
    assert len({*ids, whole}) == 101
    assert {len(one) for one in ids} == {len(whole)}
    assert all(one.startswith("task_01kjd3x7h8") for one in ids)
    others = {derived_task_id("batch_01kjd3x7h8000000000000000a", place) for place in range(100)}
    assert others.isdisjoint(ids)
