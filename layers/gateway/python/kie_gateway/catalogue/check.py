"""
Check an input before it costs anything: every wrong field, by JSON pointer, in plain words.

jsonschema-rs is imported when a known model is first checked: only ApiFunction pays for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from kie_gateway.catalogue.catalogue import Model, find
from kie_gateway.catalogue.coerce import coerced
from kie_gateway.core.errors.caller_errors import FieldFault
from kie_gateway.core.inputs.schema_faults import (
    closest,
    faults,
    is_link,
    merged,
    required_words,
)
from kie_gateway.core.spelling import respelled

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator


_ABOUT_TYPES = ("type", "required", "additionalProperties")


def spelt(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """Spell fields as the model's API does, where Kie's two roads spell them in two ways."""
    return respelled(given, model.field_names()) if model.has_two_spellings else dict(given)


def fill(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """Make an input what Kie documents: names and types of fields, and required ones' defaults."""
    return {**model.fill, **coerced(model, spelt(model, given))}


def check_input(
    model: Model, given: Mapping[str, Any], examples: Sequence[str] = ()
) -> list[FieldFault]:
    """
    List every fault of an input; none means that Kie.ai accepts it, as far as is known.

    Args:
        examples: JSON pointers to values of which only the type counts.
    """
    try:
        errors = list(_validator(model.id).iter_errors(dict(given)))
    except ValueError:
        # jsonschema-rs goes 255 levels down.
        return [FieldFault("/input", "nested too deeply")]
    return merged(fault for error in errors for fault in _faults(error, model, examples))


@cache
def _validator(model_id: str) -> "Validator":
    import jsonschema_rs  # noqa: PLC0415 - see above

    model = find(model_id)
    schema = dict(model.input) if model is not None else {}
    return jsonschema_rs.validator_for(schema, validate_formats=True, formats={"uri": is_link})


def _faults(
    error: "ValidationError", model: Model, examples: Sequence[str]
) -> Iterator[FieldFault]:
    if list(error.schema_path) == ["anyOf"]:
        yield from _faults_of_nearest_way(error.kind.as_dict()["context"], model, examples)
        return
    found = faults(
        error,
        "/input",
        required=lambda name: required_words(next(model.properties(name), {})),
        unknown=lambda name: _unknown(name, model),
    )
    is_about_type = error.kind.name in _ABOUT_TYPES
    yield from (one for one in found if is_about_type or not _is_example(one.pointer, examples))


def _is_example(pointer: str, examples: Sequence[str]) -> bool:
    return any(pointer == one or pointer.startswith(f"{one}/") for one in examples)


def _faults_of_nearest_way(
    ways: list[list["ValidationError"]], model: Model, examples: Sequence[str]
) -> Iterator[FieldFault]:
    """List the faults of the variant that was meant: the one that fits best."""
    titles = [str(way["title"]) for way in model.input["anyOf"]]
    nearest = min(range(len(ways)), key=lambda index: _distance(ways[index]))
    others = ", ".join(f'"{title}"' for title in titles if title != titles[nearest])
    for error in ways[nearest]:
        for fault in _faults(error, model, examples):
            way = f'in the form "{titles[nearest]}" (there is also {others})'
            yield FieldFault(fault.pointer, f"{fault.detail}, {way}")


def _distance(way: list["ValidationError"]) -> tuple[int, int]:
    """Return how far an input is from a variant: by fields it does not have, then by faults."""
    strangers = (error for error in way if error.kind.name == "additionalProperties")
    return sum(len(error.kind.as_dict()["unexpected"]) for error in strangers), len(way)


def _unknown(name: str, model: Model) -> str:
    if name in model.field_names():
        return "cannot be combined with the other fields"
    meant = closest(name, model.field_names()) or "."
    return f'unknown field{meant} Send "validate": false to pass it through'
