"""The little language of recipes: placeholders, conditions and choices."""

from typing import Any

import pytest

from kie_gateway.recipes.template import filled_input, filled_prompt
from kie_gateway.recipes.yaml_text import read_yaml


@pytest.mark.parametrize(
    ("line", "given", "text"),
    [
        ("as it is", {}, "as it is"),
        ("{a} and {b}", {"a": "x", "b": "y"}, "x and y"),
        ("{a} and {b}", {"a": "x"}, ""),
        ("{a}", {"a": ["x", "y"]}, "x, y"),
        ("{a}, {b}, {c}", {"a": True, "b": 2, "c": 1.5}, "true, 2, 1.5"),
        ("{a}", {"a": "{b}", "b": "y"}, "{b}"),
        ({"when": "a", "text": "x"}, {"a": "y"}, "x"),
        ({"when": "a", "text": "x"}, {"a": True}, "x"),
        ({"when": "a", "text": "x"}, {"a": 0}, "x"),
        ({"when": "a", "text": "x"}, {}, ""),
        ({"when": "a", "text": "x"}, {"a": False}, ""),
        ({"when": "a", "text": "x"}, {"a": ""}, ""),
        ({"when": "a", "text": "x"}, {"a": []}, ""),
        ({"when": ["a", "b"], "text": "x"}, {"a": 1}, ""),
        ({"when": ["a", "b"], "text": "x"}, {"a": 1, "b": 2}, "x"),
        ({"when": {"a": "y"}, "text": "x"}, {"a": "y"}, "x"),
        ({"when": {"a": "y"}, "text": "x"}, {"a": "z"}, ""),
        ({"when": {"a": "y"}, "text": "x"}, {}, ""),
        ({"when": {"a": ["y", "z"]}, "text": "x"}, {"a": "z"}, "x"),
        ({"when": {"a": 2, "b": True}, "text": "x"}, {"a": 2, "b": True}, "x"),
        ({"when": {"a": 2, "b": True}, "text": "x"}, {"a": 2, "b": False}, ""),
        ({"unless": "a", "text": "x"}, {"a": "y"}, ""),
        ({"unless": "a", "text": "x"}, {}, "x"),
        ({"unless": ["a", "b"], "text": "x"}, {"b": 1}, ""),
        ({"unless": {"a": "y", "b": "z"}, "text": "x"}, {"b": "z"}, ""),
        ({"unless": {"a": "y", "b": "z"}, "text": "x"}, {"a": "z", "b": "y"}, "x"),
        ({"by": "a", "from": ["x", "y"]}, {"a": 0}, "x"),
        ({"by": "a", "from": ["x", "y"]}, {"a": 3}, "y"),
        ({"by": "a", "from": ["x", "y"]}, {"a": 3.0}, "y"),
        ({"by": "a", "from": ["x", "y"]}, {}, ""),
        ({"by": "a", "from": {"y": "x {b}"}}, {"a": "y", "b": 1}, "x 1"),
        ({"by": "a", "from": {"y": "x"}}, {"a": "z"}, ""),
        ({"by": "a", "from": {"y": "x"}, "otherwise": "other {a}"}, {"a": "z"}, "other z"),
        ({"by": "a", "from": {"y": "x"}, "otherwise": "other"}, {}, ""),
        ({"by": "a", "from": {"true": "x", "false": "y"}}, {"a": False}, "y"),
        ({"by": "a", "from": {"2": "x"}}, {"a": 2.0}, "x"),
        ({"when": "b", "by": "a", "from": ["x"]}, {"a": 0}, ""),
    ],
)
def test_a_line_is_there_or_not(line: Any, given: dict[str, Any], text: str) -> None:
    assert filled_prompt([line], given) == text


def test_each_entry_is_a_line() -> None:
    assert filled_prompt(["one", "{missing}", "two"], {}) == "one\ntwo"


@pytest.mark.parametrize(
    ("template", "given", "expected"),
    [
        ({"x": "{a}"}, {"a": 7}, {"x": 7}),
        ({"x": "{a}"}, {"a": ["y"]}, {"x": ["y"]}),
        ({"x": "{a}"}, {}, {}),
        ({"x": "n = {a}"}, {"a": 7}, {"x": "n = 7"}),
        ({"x": "n = {a}", "y": 1}, {}, {"y": 1}),
        ({"x": ["{a}", "{b}", "{c}"]}, {"a": "1", "c": ["2", "3"]}, {"x": ["1", "2", "3"]}),
        ({"x": {"y": "{a}", "z": [True, None]}}, {"a": 1}, {"x": {"y": 1, "z": [True, None]}}),
        ({"x": {"by": "a", "from": {"y": 5}}}, {"a": "y"}, {"x": 5}),
        ({"x": {"by": "a", "from": ["{b}", 2]}}, {"a": 2, "b": [9]}, {"x": [9]}),
        ({"x": {"by": "a", "from": {"y": 5}}}, {"a": "z"}, {}),
        ({"x": {"by": "a", "from": {"y": 5}, "otherwise": False}}, {"a": "z"}, {"x": False}),
        ({"x": "{a}"}, {"a": "{b}", "b": 1}, {"x": "{b}"}),
    ],
)
def test_a_field_has_its_value_or_is_left_out(
    template: dict[str, Any], given: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert filled_input(template, given) == expected


def test_yaml_means_what_it_looks_like() -> None:
    text = """
    ratio: 16:9
    switch: on
    day: 2026-03-01
    octal: 0123
    hex: 0x1f
    empty:
    none: null
    yes: true
    2: [1, -7, 0, 1.5, "1", false, No]
    """
    assert read_yaml(text) == {
        "ratio": "16:9",
        "switch": "on",
        "day": "2026-03-01",
        "octal": "0123",
        "hex": "0x1f",
        "empty": None,
        "none": None,
        "yes": True,
        "2": [1, -7, 0, 1.5, "1", False, "No"],
    }
