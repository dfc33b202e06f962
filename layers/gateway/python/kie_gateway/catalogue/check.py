"""
Check an input before it costs anything: every wrong field, by JSON pointer, in plain words.

jsonschema-rs is imported when a known model is first checked: only ApiFunction pays for it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kie_gateway.catalogue.catalogue import Model, find
from kie_gateway.catalogue.coerce import coerced
from kie_gateway.core.errors.caller_errors import FieldFault
from kie_gateway.core.inputs.json_pointer import escaped
from kie_gateway.core.inputs.upload import SCHEME as UPLOAD
from kie_gateway.core.spelling import respelled

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

_MOST_VALUES_SHOWN = 20
# `oss` and `asset` name files that lie at Kie already.
_LINKS = ("https://", "http://", "oss://", "asset://", UPLOAD)
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


def spelt(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """Spell fields as the model's API does, where Kie's two roads spell them in two ways."""
    return respelled(given, model.field_names()) if model.has_two_spellings else dict(given)


def fill(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """Make an input what Kie documents: names and types of fields, and required ones' defaults."""
    return {**model.fill, **coerced(model, spelt(model, given))}


def check_input(model: Model, given: Mapping[str, Any]) -> list[FieldFault]:
    """List every fault of an input; none means that Kie.ai accepts it, as far as is known."""
    faults: dict[str, list[str]] = {}
    try:
        errors = list(_validator(model.id).iter_errors(dict(given)))
    except ValueError:
        # jsonschema-rs goes 255 levels down.
        return [FieldFault("/input", "nested too deeply")]
    for error in errors:
        for fault in _faults(error, model):
            faults.setdefault(fault.pointer, []).append(fault.detail)
    return [FieldFault(pointer, "; ".join(sorted(words))) for pointer, words in faults.items()]


@cache
def _validator(model_id: str) -> "Validator":
    import jsonschema_rs  # noqa: PLC0415 - see above

    model = find(model_id)
    schema = dict(model.input) if model is not None else {}
    return jsonschema_rs.validator_for(schema, validate_formats=True, formats={"uri": _is_link})


def _is_link(value: str) -> bool:
    """Whether Kie can fetch it, or can once the gateway has put it where it can."""
    if value.startswith("data:"):
        return ";base64," in value[:200]
    return value.startswith(_LINKS) and bool(urlsplit(value).netloc) and not set(value) & set(" \n")


def _faults(error: "ValidationError", model: Model) -> Iterator[FieldFault]:
    name, facts = error.kind.name, error.kind.as_dict()
    pointer = "/input" + "".join(f"/{escaped(part)}" for part in error.instance_path)
    if list(error.schema_path) == ["anyOf"]:
        yield from _faults_of_nearest_way(facts["context"], model)
    elif name == "required":
        missing = facts["property"]
        yield FieldFault(f"{pointer}/{escaped(missing)}", _required(missing, model))
    elif name == "additionalProperties":
        for unknown in facts["unexpected"]:
            yield FieldFault(f"{pointer}/{escaped(unknown)}", _unknown(unknown, model))
    else:
        yield FieldFault(pointer, _words(name, facts, error))


def _faults_of_nearest_way(
    ways: list[list["ValidationError"]], model: Model
) -> Iterator[FieldFault]:
    """List the faults of the variant that was meant: the one that fits best."""
    titles = [str(way["title"]) for way in model.input["anyOf"]]
    nearest = min(range(len(ways)), key=lambda index: _distance(ways[index]))
    others = ", ".join(f'"{title}"' for title in titles if title != titles[nearest])
    for error in ways[nearest]:
        for fault in _faults(error, model):
            way = f'in the form "{titles[nearest]}" (there is also {others})'
            yield FieldFault(fault.pointer, f"{fault.detail}, {way}")


def _distance(way: list["ValidationError"]) -> tuple[int, int]:
    """Return how far an input is from a variant: by fields it does not have, then by faults."""
    strangers = (error for error in way if error.kind.name == "additionalProperties")
    return sum(len(error.kind.as_dict()["unexpected"]) for error in strangers), len(way)


def _required(name: str, model: Model) -> str:
    schema: Mapping[str, Any] = next(model.properties(name), {})
    if "enum" in schema:
        return f"required: one of {_listed(schema['enum'])}"
    kind = _NAMES.get(schema.get("type", ""))
    return f"required: {kind}" if kind is not None else "required"


def _words(name: str, facts: Mapping[str, Any], error: "ValidationError") -> str:
    limit = facts.get("limit")
    match name:
        case "maxItems" if limit == 0 and error.schema_path[0] == "dependentSchemas":
            return f"cannot be combined with {error.schema_path[1]}: omit one of them"
        case _ if name in _LIMITS:
            words = _LIMITS[name].format(limit)
            return words.replace("entries", "entry") if limit == 1 else words
        case "type":
            return "must be " + " or ".join(_NAMES.get(one, one) for one in facts["types"])
        case "enum":
            return f"must be one of {_listed(facts['options'])}"
        case "format":
            return "must be a public http(s) link, a data: link, or what POST /v1/uploads returned"
        case _:
            return error.message[:300]


def _listed(values: Iterable[Any]) -> str:
    """List values; numbers that are to be sent as text stand in quotes."""
    shown = [
        json.dumps(value) if str(value).replace(".", "").isdigit() else str(value)
        for value in values
    ]
    more = ", …" if len(shown) > _MOST_VALUES_SHOWN else ""
    return ", ".join(shown[:_MOST_VALUES_SHOWN]) + more


def _unknown(name: str, model: Model) -> str:
    if name in model.field_names():
        return "cannot be combined with the other fields"
    close = get_close_matches(name, model.field_names(), n=1)
    meant = f"; did you mean {close[0]}?" if close else "."
    return f'unknown field{meant} Send "validate": false to pass it through'
