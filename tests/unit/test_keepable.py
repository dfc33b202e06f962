"""What is kept of texts and objects from outside."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kie_gateway.core.keepable import excerpt, keepable, size_of

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.integers(0, 400).map("\u00e9".__mul__),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=60,
)
OBJECTS = st.dictionaries(st.text(max_size=30), VALUES, max_size=40)


def test_half_a_character_becomes_the_sign_for_one_that_is_lost() -> None:
    assert keepable("a \ud83d kite \udfff") == "a \ufffd kite \ufffd"
    assert keepable("a \U0001fa81 kite") == "a \U0001fa81 kite"


@given(st.text(alphabet=st.characters(), max_size=50), st.integers(1, 60))
def test_any_text_can_be_written_and_is_no_longer_than_allowed(text: str, longest: int) -> None:
    kept = keepable(text + "\ud800", longest)
    kept.encode()
    assert len(kept) <= longest


@given(OBJECTS, st.integers(2, 3000))
@settings(max_examples=40)
def test_an_excerpt_fits_and_is_a_part_of_the_whole(whole: dict[str, Any], most: int) -> None:
    part = excerpt(whole, most)
    assert size_of(part) <= most
    assert list(part) == [name for name in whole if name in part]
    for name, value in part.items():
        if isinstance(whole[name], int | float | bool | None):
            assert value == whole[name]


@given(OBJECTS)
@settings(max_examples=30)
def test_what_is_small_is_kept_as_it_is(whole: dict[str, Any]) -> None:
    small = {name: value for name, value in whole.items() if size_of(value) < 100}
    if all(not isinstance(value, list | dict) for value in small.values()):
        assert excerpt(small, 10**6) == small


def test_options_are_kept_before_long_texts() -> None:
    whole = {"prompt": "x" * 5000, "images": ["y" * 5000] * 30, "size": "16:9", "seed": 7}
    part = excerpt(whole, 400)
    assert part["size"] == "16:9"
    assert part["seed"] == 7
    assert part["prompt"] == "x" * 199 + "…"
    assert "images" not in part


@pytest.mark.parametrize("whole", [{str(n): 1e15 for n in range(10_000)}, {"x": [1e15] * 50_000}])
def test_numbers_that_grow_when_they_are_written_do_not_matter(whole: dict[str, Any]) -> None:
    assert len(json.dumps(excerpt(whole, 4096)).encode()) < 6000
