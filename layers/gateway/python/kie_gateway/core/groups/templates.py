r"""
Placeholders in a child's input, which are filled from its parent: `{{outputs[0].url}}`.

A text that is nothing but one placeholder becomes the value itself, with its type; inside of a
longer text a value is written out. `\{{` stands for the two braces themselves.

A path begins with `input`, `metadata`, `outputs`, `result`, `id` or `model` of the parent and goes
on with `.name`, `[0]` or, for a list of one thing of each, `[*]`. Of several paths,
`{{result.prompt | input.prompt}}`, the first one counts that leads to something which is not empty.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kie_gateway.core.inputs.json_pointer import replace_texts, texts

_PLACEHOLDER = re.compile(r"(?<!\\)\{\{(.*?)\}\}", re.DOTALL)
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.\w[\w-]*|\[\d{1,4}\]|\[\*\])*")
_STEP = re.compile(r"(\w[\w-]*)|\[(\d+)\]|\[(\*)\]")
_PLACEHOLDER_OR_BRACES = re.compile(r"\\\{\{|\{\{(.*?)\}\}", re.DOTALL)
_OR = "|"
# What a parent has only once it has ended, and then with these names and no others.
_CLOSED = ("outputs", "result")
_LONGEST_SHOWN = 80


class PathError(Exception):
    """A path leads nowhere; the message says where it ends."""


class _NothingThereError(PathError):
    """It is a path, and there is nothing at its end."""


@dataclass(frozen=True)
class Placeholder:
    """
    A placeholder in an input.

    Attributes:
        pointer: JSON pointer to the text it stands in.
        path: As written, with its alternatives.
        is_whole: Whether it is all of that text.
    """

    pointer: str
    path: str
    is_whole: bool

    @property
    def paths(self) -> list[str]:
        """Each of its alternatives."""
        return _alternatives(self.path)


def placeholders(value: Any, pointer: str) -> Iterator[Placeholder]:
    """Find the placeholders of an input."""
    for place, text in texts(value, pointer):
        for found in _PLACEHOLDER.finditer(text):
            is_whole = found.span() == (0, len(text))
            yield Placeholder(place, found[1].strip(), is_whole)


def look_up(facts: Mapping[str, Any], path: str) -> Any:
    """
    Follow a path, or several to the first that leads to something.

    Raises:
        PathError: There is nothing at its end, or at any.
    """
    paths = _alternatives(path)
    if len(paths) == 1:
        return _look_up(facts, path)
    for one in paths:
        try:
            found = _look_up(facts, one)
        except _NothingThereError:
            continue
        if found not in ("", []):
            return found
    raise PathError(f"there is nothing at {_shown(path)}")


def check_path(facts: Mapping[str, Any], path: str) -> None:
    """
    Check a path against examples of what will be there.

    Of several, each has to be one that may lead somewhere, and one has to do so.

    Raises:
        PathError: It is no path, or one that could never lead anywhere.
    """
    for one in _alternatives(path):
        root = _STEP.match(one)
        try:
            _look_up(facts, one)
        except _NothingThereError:
            if root is None or root[1] in _CLOSED or root[1] not in facts:
                raise
    look_up(facts, path)


def _alternatives(path: str) -> list[str]:
    return [one.strip() for one in path.split(_OR)]


def _look_up(facts: Mapping[str, Any], path: str) -> Any:
    if _PATH.fullmatch(path) is None:
        raise PathError(f"{_shown(path)} is not a path, such as outputs[0].url")
    return _follow(facts, [_step(found) for found in _STEP.finditer(path)], path)


def fill(value: Any, facts: Mapping[str, Any], in_texts: Mapping[str, Any] | None = None) -> Any:
    """
    Fill the placeholders of an input.

    Args:
        facts: What placeholders stand for that are all of a text.
        in_texts: What the ones inside of longer texts stand for; None for the same.

    Raises:
        PathError: There is nothing at the end of one, or it cannot stand inside of a text.
    """
    inside = facts if in_texts is None else in_texts
    return replace_texts(value, lambda text: _fill_text(text, facts, inside))


def _fill_text(text: str, facts: Mapping[str, Any], in_texts: Mapping[str, Any]) -> Any:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole is not None and "{{" not in whole[1]:
        return look_up(facts, whole[1].strip())
    # In one go, so that nothing in a value is taken for a placeholder.
    return _PLACEHOLDER_OR_BRACES.sub(
        lambda found: "{{" if found[1] is None else written(look_up(in_texts, found[1].strip())),
        text,
    )


def written(value: Any) -> str:
    """
    Write a value into a text.

    Raises:
        PathError: It is a list or an object.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case list() if all(isinstance(one, str | int | float) for one in value):
            return ", ".join(written(one) for one in value)
        case _:
            raise PathError("only texts, numbers and lists of them can stand inside of a text")


def _step(found: re.Match[str]) -> str | int | None:
    name, index, _ = found.groups()
    if name is not None:
        return name
    return int(index) if index is not None else None


def _follow(value: Any, steps: list[str | int | None], path: str) -> Any:
    for position, step in enumerate(steps):
        match step:
            case None if isinstance(value, list):
                return [_follow(one, steps[position + 1 :], path) for one in value]
            case str() if isinstance(value, Mapping) and value.get(step) is not None:
                value = value[step]
            case int() if isinstance(value, list) and step < len(value):
                value = value[step]
            case _:
                raise _NothingThereError(f"there is no {_shown(path)}")
    return value


def _shown(path: str) -> str:
    return path if len(path) <= _LONGEST_SHOWN else f"{path[:_LONGEST_SHOWN]}…"
