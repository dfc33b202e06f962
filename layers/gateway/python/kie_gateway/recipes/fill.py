"""
Fill a recipe: make a model's input of a caller's params.

jsonschema-rs is imported when params are first checked: only ApiFunction pays for it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.inputs.schema_faults import (
    closest,
    faults,
    is_link,
    listed,
    merged,
    required_words,
)
from kie_gateway.recipes.recipe import Recipe
from kie_gateway.recipes.template import FILLED_PROMPT, filled_input, filled_prompt

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

# What is filled in when another task has ended, such as `{{outputs[0].url}}`.
_LATER = re.compile(r"\{\{[^{}]+\}\}")


@dataclass(frozen=True)
class FilledRecipe:
    """
    What a recipe makes of params.

    Attributes:
        fallback: Other models with their inputs; None for an input that is the first model's.
    """

    model: str
    input: dict[str, Any]
    fallback: tuple[tuple[str, dict[str, Any] | None], ...]


def fill(recipe: Recipe, params: Mapping[str, Any]) -> FilledRecipe:
    """Return a recipe's model and input. Raises InvalidRequestError: the params do not fit it."""
    if found := check_params(recipe.params, params):
        raise InvalidRequestError(f"the params do not fit the recipe {recipe.name}", found)
    values = {**_defaults(recipe.params), **params}
    if recipe.prompt is not None:
        values[FILLED_PROMPT] = filled_prompt(recipe.prompt[values["language"]], values)
    return FilledRecipe(
        recipe.model,
        filled_input(recipe.input, values),
        tuple(
            (other.model, None if other.input is None else filled_input(other.input, values))
            for other in recipe.fallback
        ),
    )


def check_params(
    schema: Mapping[str, Any], params: Mapping[str, Any], root: str = "/params"
) -> list[FieldFault]:
    """
    List every fault of params.

    Args:
        root: Pointer to the params.
    """
    import jsonschema_rs  # noqa: PLC0415 - see above

    validator = jsonschema_rs.validator_for(
        dict(schema), validate_formats=True, formats={"uri": _is_link}
    )
    try:
        errors = list(validator.iter_errors(dict(params)))
    except ValueError:
        # jsonschema-rs goes 255 levels down.
        return [FieldFault(root, "nested too deeply")]
    return merged(fault for error in errors for fault in _faults(error, schema, root))


def _is_link(value: str) -> bool:
    return is_link(value) or _LATER.fullmatch(value) is not None


def _faults(error: "ValidationError", schema: Mapping[str, Any], root: str) -> Iterator[FieldFault]:
    if list(error.schema_path) == ["anyOf"]:
        names = [name for way in schema["anyOf"] for name in way["required"]]
        yield FieldFault(root, f"required: at least one of {listed(names)}")
        return
    properties = schema["properties"]
    yield from faults(
        error,
        root,
        required=lambda name: _required(properties.get(name, {})),
        unknown=lambda name: f"unknown parameter{closest(name, properties)}",
    )


def _required(schema: Mapping[str, Any]) -> str:
    return ". ".join(filter(None, (required_words(schema), schema.get("description"))))


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema["properties"]
    return {name: told["default"] for name, told in properties.items() if "default" in told}
