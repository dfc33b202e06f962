"""
Turn values into those that a model lists, where they mean the same.

Kie's models disagree on whether five seconds are `5` or `"5"`, and none takes the other. Only what
loses nothing is turned: `5.0` means `"5"`, `5.5` means nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from kie_gateway.catalogue.catalogue import Model

type Schema = Mapping[str, Any]

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_WORDS = {True: "true", False: "false"}


def coerced(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the values of an input into those that the model lists; others stay as they are."""
    return {name: _coerced(value, model.properties(name)) for name, value in given.items()}


def _coerced(value: Any, schemas: Iterable[Schema]) -> Any:
    known = list(schemas)
    if not known:
        # Nothing is known of what lies here, however deep it is.
        return value
    match value:
        case Mapping():
            return {name: _coerced(inner, _of_field(known, name)) for name, inner in value.items()}
        case list():
            items = [schema["items"] for schema in known if "items" in schema]
            return [_coerced(inner, items) for inner in value]
        case _:
            return _meant(value, [one for schema in known for one in schema.get("enum", ())])


def _of_field(schemas: Iterable[Schema], name: str) -> Iterator[Schema]:
    for schema in schemas:
        if name in schema.get("properties", {}):
            yield schema["properties"][name]


def _meant(value: Any, allowed: list[Any]) -> Any:
    """Find the listed value that a value means; the value itself if it is listed or means none."""
    if any(type(one) is type(value) and one == value for one in allowed):
        return value
    same = _exact(value)
    return next((one for one in allowed if same is not None and _exact(one) == same), value)


def _exact(value: Any) -> Decimal | str | None:
    """Return what a number, a flag or its text stands for; None for anything else."""
    match value:
        case bool():
            return _WORDS[value]
        case int():
            return Decimal(value)
        case float():
            return Decimal(repr(value)) if _NUMBER.fullmatch(repr(value)) else None
        case str() if _NUMBER.fullmatch(value):
            return Decimal(value)
        case "true" | "false":
            return str(value)
        case _:
            return None
