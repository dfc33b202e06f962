"""Say in plain words where a value does not fulfil a JSON Schema, and how."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Protocol
from urllib.parse import urlsplit

from kie_gateway.core.errors.caller_errors import FieldFault
from kie_gateway.core.inputs.json_pointer import escaped
from kie_gateway.core.inputs.output_reference import SCHEME as OUTPUT
from kie_gateway.core.inputs.upload import SCHEME as UPLOAD

_MOST_VALUES_SHOWN = 20
# `oss` and `asset` name files that lie at Kie already.
_LINKS = ("https://", "http://", "oss://", "asset://", UPLOAD, OUTPUT)
_LIMITS = {
    "maxLength": "at most {} characters",
    "minLength": "at least {} characters",
    "maximum": "at most {}",
    "minimum": "at least {}",
    "maxItems": "at most {} entries",
    "minItems": "at least {} entries",
}
_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


class Keyword(Protocol):
    """The keyword of a schema that a value does not fulfil."""

    @property
    def name(self) -> str:
        """The keyword."""

    def as_dict(self) -> dict[str, Any]:
        """Return what it tells of the value."""


class Violation(Protocol):
    """One error of a validator, as jsonschema-rs reports it."""

    @property
    def kind(self) -> Keyword:
        """Which keyword is not fulfilled."""

    @property
    def message(self) -> str:
        """What the validator says."""

    @property
    def instance_path(self) -> Sequence[str | int]:
        """Where in the value."""

    @property
    def schema_path(self) -> Sequence[str | int]:
        """Where in the schema."""


def faults(
    violation: Violation,
    root: str,
    *,
    required: Callable[[str], str],
    unknown: Callable[[str], str],
) -> Iterator[FieldFault]:
    """
    List the wrong fields that an error is about.

    Args:
        root: Pointer to the value.
        required: Says what a missing field has to be.
        unknown: Says what is wrong with a field that nobody knows.
    """
    keyword, facts = violation.kind.name, violation.kind.as_dict()
    pointer = root + "".join(f"/{escaped(part)}" for part in violation.instance_path)
    if keyword == "required":
        missing = facts["property"]
        yield FieldFault(f"{pointer}/{escaped(missing)}", required(missing))
    elif keyword == "additionalProperties":
        for name in facts["unexpected"]:
            yield FieldFault(f"{pointer}/{escaped(name)}", unknown(name))
    else:
        yield FieldFault(pointer, _words(keyword, facts, violation))


def merged(found: Iterable[FieldFault]) -> list[FieldFault]:
    """Return one fault for each field, with everything that is wrong with it."""
    words: dict[str, list[str]] = {}
    for fault in found:
        words.setdefault(fault.pointer, []).append(fault.detail)
    return [FieldFault(pointer, "; ".join(sorted(details))) for pointer, details in words.items()]


def required_words(schema: Mapping[str, Any]) -> str:
    """Say what a missing field has to be."""
    if "enum" in schema:
        return f"required: one of {listed(schema['enum'])}"
    kind = _NAMES.get(schema.get("type", ""))
    return f"required: {kind}" if kind is not None else "required"


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name that was probably meant, as a question; "" if none is close."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def listed(values: Iterable[Any]) -> str:
    """List values; numbers that are to be sent as text stand in quotes."""
    shown = [
        json.dumps(value) if str(value).replace(".", "").isdigit() else str(value)
        for value in values
    ]
    more = ", …" if len(shown) > _MOST_VALUES_SHOWN else ""
    return ", ".join(shown[:_MOST_VALUES_SHOWN]) + more


def is_link(value: str) -> bool:
    """Whether Kie can fetch it, or can once the gateway has put it where it can."""
    if value.startswith("data:"):
        return ";base64," in value[:200]
    return value.startswith(_LINKS) and bool(urlsplit(value).netloc) and not set(value) & set(" \n")


def _words(keyword: str, facts: Mapping[str, Any], violation: Violation) -> str:
    limit, path = facts.get("limit"), violation.schema_path
    match keyword:
        case "maxItems" if limit == 0 and path[0] == "dependentSchemas":
            return f"cannot be combined with {path[1]}: omit one of them"
        case _ if keyword in _LIMITS:
            words = _LIMITS[keyword].format(limit)
            return words.replace("entries", "entry") if limit == 1 else words
        case "type":
            return "must be " + " or ".join(_NAMES.get(one, one) for one in facts["types"])
        case "enum":
            return f"must be one of {listed(facts['options'])}"
        case "format":
            return "must be a public http(s) link, a data: link, or what POST /v1/uploads returned"
        case _:
            return violation.message[:300]
