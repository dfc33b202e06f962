"""
Check an input before it costs anything: every wrong field, by JSON pointer, in plain words.

jsonschema-rs is imported when a known model is first checked: only ApiFunction pays for it.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from kie_gateway.catalogue.catalogue import Model, find
from kie_gateway.core.errors import FieldFault

_MOST_VALUES_SHOWN = 20
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


def fill(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """Put in the documented defaults of required fields that were left out."""
    return {**model.fill, **given}


def check_input(model: Model, given: Mapping[str, Any]) -> list[FieldFault]:
    """Name every fault of an input; none means that Kie.ai takes it, as far as is known."""
    faults: dict[str, list[str]] = {}
    for error in _validator(model.id).iter_errors(dict(given)):
        for fault in _faults(error, model):
            faults.setdefault(fault.pointer, []).append(fault.detail)
    return [FieldFault(pointer, "; ".join(words)) for pointer, words in faults.items()]


@cache
def _validator(model_id: str) -> Any:
    import jsonschema_rs  # noqa: PLC0415 - see above

    model = find(model_id)
    return jsonschema_rs.validator_for(dict(model.input) if model else {}, validate_formats=True)


def _faults(error: Any, model: Model) -> Iterable[FieldFault]:
    pointer = "/input" + "".join(f"/{_escaped(part)}" for part in error.instance_path)
    kind, expected = error.kind, error.kind.as_dict() if hasattr(error.kind, "as_dict") else {}
    name = str(kind.name)
    if name == "required":
        yield FieldFault(f"{pointer}/{_escaped(expected['property'])}", "required")
    elif name == "additionalProperties":
        for unknown in expected["unexpected"]:
            yield FieldFault(f"{pointer}/{_escaped(unknown)}", _unknown(unknown, model))
    else:
        yield FieldFault(pointer, _words(name, expected, error, model))


def _words(name: str, expected: Mapping[str, Any], error: Any, model: Model) -> str:
    if name in _LIMITS:
        return _LIMITS[name].format(expected.get("limit"))
    match name:
        case "type":
            types = expected.get("types") or [expected.get("type")]
            return "must be " + " or ".join(_NAMES.get(str(one), str(one)) for one in types)
        case "enum":
            return f"must be one of {_listed(expected['options'])}"
        case "format":
            return "must be a public http(s) link"
        case "anyOf":
            titles = [str(one.get("title")) for one in model.input.get("anyOf", ())]
            return f"fits none of the model's ways: {'; '.join(titles)}"
        case _:
            return str(error.message)[:300]


def _listed(values: Iterable[Any]) -> str:
    shown = [str(value) for value in values]
    more = ", …" if len(shown) > _MOST_VALUES_SHOWN else ""
    return ", ".join(shown[:_MOST_VALUES_SHOWN]) + more


def _unknown(name: str, model: Model) -> str:
    known = [
        field
        for schema in (model.input, *model.input.get("anyOf", ()))
        for field in schema.get("properties", {})
    ]
    close = get_close_matches(name, known, n=1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    return f'unknown field{meant}; "validate": false passes it through'


def _escaped(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
