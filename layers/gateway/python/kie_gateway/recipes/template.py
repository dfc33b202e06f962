"""
The little language of recipes: texts with placeholders, conditions and choices.

What a parameter contains is put in as it is, and never read again: braces in it mean nothing here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from kie_gateway.core.inputs.json_pointer import children
from kie_gateway.recipes.recipe import Template

# By this name, an input takes the prompt as a whole.
FILLED_PROMPT = "filled_prompt"

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_CONDITIONS = ("when", "unless")

type Values = Mapping[str, Any]


class _LeftOutError(Exception):
    """Something names a parameter that was not given, or chooses nothing."""


def filled_prompt(lines: Sequence[Template], values: Values) -> str:
    """Return a prompt: every line that applies, with what its placeholders stand for."""
    return "\n".join(_filled_lines(lines, values))


def filled_input(template: Mapping[str, Template], values: Values) -> dict[str, Any]:
    """Return an input, without the fields that depend on parameters that were not given."""
    return dict(_filled_fields(template, values))


def names_in(node: Template, pointer: str, *, is_prompt: bool) -> Iterator[tuple[str, str]]:
    """Find the parameters that a template names, each with a pointer to where it does."""
    if isinstance(node, str):
        yield from ((pointer, name) for name in _PLACEHOLDER.findall(node))
    if isinstance(node, Mapping) and isinstance(node.get("by"), str):
        yield f"{pointer}/by", node["by"]
    for key, place, inner in children(node, pointer):
        if is_prompt and key in _CONDITIONS:
            yield from ((place, name) for name in ([inner] if isinstance(inner, str) else inner))
        elif key != "by":
            yield from names_in(inner, place, is_prompt=is_prompt)


def has_stray_brace(text: str) -> bool:
    """Whether a text has a brace that belongs to no placeholder."""
    return bool(set("{}") & set(_PLACEHOLDER.sub("", text)))


def as_text(value: Any) -> str:
    """Write a value as it stands in a prompt, and in a file as the key of a choice."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case list():
            return ", ".join(map(as_text, value))
        case _:
            return str(value)


def _filled_lines(lines: Sequence[Template], values: Values) -> Iterator[str]:
    for line in lines:
        try:
            text = line if isinstance(line, str) else _text_of_entry(line, values)
            yield _PLACEHOLDER.sub(lambda found: as_text(_value(found[1], values)), text)
        except _LeftOutError:
            continue


def _text_of_entry(entry: Mapping[str, Any], values: Values) -> str:
    if "when" in entry and not _holds(entry["when"], values, of=all):
        raise _LeftOutError
    if "unless" in entry and _holds(entry["unless"], values, of=any):
        raise _LeftOutError
    return str(_chosen(entry, values) if "by" in entry else entry["text"])


def _holds(condition: Any, values: Values, *, of: Callable[[Iterable[bool]], bool]) -> bool:
    match condition:
        case str():
            return _is_given(values.get(condition))
        case list():
            return of(_is_given(values.get(name)) for name in condition)
        case _:
            return of(_is_one_of(values.get(name), condition[name]) for name in condition)


def _is_given(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", [])


def _is_one_of(value: Any, expected: Any) -> bool:
    allowed = expected if isinstance(expected, list) else [expected]
    return value is not None and as_text(value) in map(as_text, allowed)


def _chosen(choice: Mapping[str, Any], values: Values) -> Template:
    """Return the template that a parameter chooses: by position, from the start again, or name."""
    value, options = _value(choice["by"], values), choice["from"]
    if isinstance(options, list):
        return options[int(value) % len(options)]
    found = options.get(as_text(value), choice.get("otherwise"))
    if found is None:
        raise _LeftOutError
    return found


def _value(name: str, values: Values) -> Any:
    if values.get(name) is None:
        raise _LeftOutError
    return values[name]


def _filled(node: Template, values: Values) -> Any:
    match node:
        case str() if whole := _PLACEHOLDER.fullmatch(node):
            return _value(whole[1], values)
        case str():
            return _PLACEHOLDER.sub(lambda found: as_text(_value(found[1], values)), node)
        case {"by": _, "from": _}:
            return _filled(_chosen(node, values), values)
        case Mapping():
            return dict(_filled_fields(node, values))
        case list():
            return list(_filled_entries(node, values))
        case _:
            return node


def _filled_fields(fields: Mapping[str, Template], values: Values) -> Iterator[tuple[str, Any]]:
    for name, node in fields.items():
        try:
            yield name, _filled(node, values)
        except _LeftOutError:
            continue


def _filled_entries(entries: Sequence[Template], values: Values) -> Iterator[Any]:
    """Fill a list; a list in the place of one entry is put in entry by entry."""
    for node in entries:
        try:
            value = _filled(node, values)
        except _LeftOutError:
            continue
        if isinstance(value, list):
            yield from value
        else:
            yield value
