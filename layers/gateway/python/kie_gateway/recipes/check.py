"""
Check a recipe's file: every mistake by its place in the file, in words for whoever wrote it.

What a file may contain at all is in `recipe.schema.json`, which editors can use, too. Here is what
a schema cannot say: whether the parts of a file fit each other. Whether its models fit is known to
the catalogue alone (`scripts/check_recipes.py`).
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kie_gateway.core.errors.caller_errors import FieldFault
from kie_gateway.core.inputs.json_pointer import children, texts
from kie_gateway.core.inputs.schema_faults import closest, faults, listed, merged
from kie_gateway.recipes.fill import check_params
from kie_gateway.recipes.template import FILLED_PROMPT, as_text, has_stray_brace, names_in

if TYPE_CHECKING:
    from jsonschema_rs import Validator

_PATH = Path(__file__).with_name("recipe.schema.json")
LANGUAGE = {
    "description": "The language of the prompt.",
    "type": "string",
    "enum": ["en", "zh"],
    "default": "en",
}


def check(content: Any, name: str) -> list[FieldFault]:
    """
    List every mistake in a recipe's file.

    Args:
        content: What the file contains.
        name: The file's name, without its suffix.
    """
    if found := merged(_faults_of_shape(content)):
        return found
    if found := list(_faults_of_params(content)):
        return found
    return merged(
        [
            *_faults_of_name(content, name),
            *_faults_of_lines(content),
            *_faults_of_names(content),
            *_faults_of_choices(content),
            *_faults_of_conditions(content),
            *check_params(params_schema(content), content["example"], "/example"),
        ]
    )


def params_schema(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole JSON Schema of a recipe's params: a file leaves out what is always so."""
    params = content["params"]
    properties = dict(params["properties"])
    if "prompt" in content:
        properties["language"] = LANGUAGE
    return {"type": "object", **params, "properties": properties, "additionalProperties": False}


@cache
def _validator() -> "Validator":
    import jsonschema_rs  # noqa: PLC0415 - only ApiFunction pays for it

    return jsonschema_rs.validator_for(json.loads(_PATH.read_text(encoding="utf-8")))


def _faults_of_shape(content: Any) -> Iterator[FieldFault]:
    for error in _validator().iter_errors(content):
        yield from faults(
            error,
            "",
            required=lambda _: "required",
            unknown=lambda key: f"unknown key{closest(key, _keys())}",
        )


@cache
def _keys() -> tuple[str, ...]:
    """List the keys that there are in any part of a recipe."""
    schema = json.loads(_PATH.read_text(encoding="utf-8"))
    parts = [schema["properties"], schema["$defs"]["lines"]["items"]["properties"]]
    return tuple(key for part in parts for key in part)


def _faults_of_name(content: Mapping[str, Any], name: str) -> Iterator[FieldFault]:
    if content["name"] != name:
        yield FieldFault("/name", f"must be {name}, as the file is called")


def _faults_of_params(content: Mapping[str, Any]) -> Iterator[FieldFault]:
    params = content["params"]
    for name, schema in params["properties"].items():
        pointer = f"/params/properties/{name}"
        if name in ("language", FILLED_PROMPT):
            yield FieldFault(pointer, "another name is needed: the gateway gives this one itself")
        else:
            yield from _faults_of_param(schema, pointer)
    for pointer, name in texts(
        {key: params[key] for key in ("required", "anyOf") if key in params}, "/params"
    ):
        if name not in params["properties"]:
            yield FieldFault(pointer, f"there is no parameter {name}")


def _faults_of_param(schema: Mapping[str, Any], pointer: str) -> Iterator[FieldFault]:
    import jsonschema_rs  # noqa: PLC0415 - see above

    try:
        validator = jsonschema_rs.validator_for(dict(schema))
    except ValueError as error:
        [reason, *_] = str(error).splitlines()
        yield FieldFault(pointer, f"must be a JSON Schema: {reason}")
    else:
        if "default" in schema and not validator.is_valid(schema["default"]):
            yield FieldFault(f"{pointer}/default", "does not fit the parameter")


def _faults_of_lines(content: Mapping[str, Any]) -> Iterator[FieldFault]:
    for pointer, line in _entries(content):
        if ("text" in line) == ("by" in line):
            yield FieldFault(pointer, "must have either text, or by and from")
    for part in ("prompt", "input", "fallback"):
        for pointer, text in texts(content.get(part, ()), f"/{part}"):
            if has_stray_brace(text):
                yield FieldFault(pointer, "a brace must belong to a {parameter}")


def _faults_of_names(content: Mapping[str, Any]) -> Iterator[FieldFault]:
    """Find names of parameters that do not exist, and parameters that nothing names."""
    known = set(params_schema(content)["properties"])
    in_prompt = {
        language: list(names_in(lines, f"/prompt/{language}", is_prompt=True))
        for language, lines in content.get("prompt", {}).items()
    }
    in_inputs = list(_named_by_inputs(content))
    named = [*(one for found in in_prompt.values() for one in found), *in_inputs]
    for pointer, name in named:
        if name == FILLED_PROMPT and "prompt" in content and (pointer, name) in in_inputs:
            continue
        if name not in known:
            yield FieldFault(pointer, f"there is no parameter {name}{closest(name, known)}")
    for name in known - {"language"} - {name for _, name in named}:
        yield FieldFault(f"/params/properties/{name}", "neither prompt nor input names it")
    yield from _named_in_one_language(in_prompt)
    if "prompt" in content and FILLED_PROMPT not in {name for _, name in in_inputs}:
        yield FieldFault("/prompt", f"no input takes it: name {{{FILLED_PROMPT}}} there")


def _named_by_inputs(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from names_in(content["input"], "/input", is_prompt=False)
    for index, other in enumerate(content.get("fallback", ())):
        pointer = f"/fallback/{index}/input"
        yield from names_in(other.get("input", {}), pointer, is_prompt=False)


def _named_in_one_language(
    in_prompt: Mapping[str, list[tuple[str, str]]],
) -> Iterator[FieldFault]:
    by_language = {language: {name for _, name in found} for language, found in in_prompt.items()}
    everywhere = set().union(*by_language.values())
    for language, names in by_language.items():
        for name in sorted(everywhere - names):
            yield FieldFault(f"/prompt/{language}", f"does not name {name}, the other one does")


def _faults_of_choices(content: Mapping[str, Any]) -> Iterator[FieldFault]:
    properties = params_schema(content)["properties"]
    for pointer, choice in _choices(content):
        by, options = choice["by"], choice.get("from")
        schema = properties.get(by, {}) if isinstance(by, str) else {}
        if not isinstance(by, str):
            yield FieldFault(f"{pointer}/by", "must be text")
        elif not isinstance(options, (list, Mapping)) or not options:
            yield FieldFault(f"{pointer}/from", "required: a list, or an object by value")
        elif isinstance(options, Mapping):
            yield from _faults_of_options(pointer, schema, choice)
        elif schema.get("type") != "integer":
            yield FieldFault(f"{pointer}/by", "a list is chosen from by a whole number")


def _faults_of_options(
    pointer: str, schema: Mapping[str, Any], choice: Mapping[str, Any]
) -> Iterator[FieldFault]:
    options, is_complete = choice["from"], "otherwise" in choice
    allowed = _allowed(schema)
    if allowed is None:
        if not is_complete:
            yield FieldFault(pointer, "required: otherwise, as the parameter lists no values")
        return
    for key in options:
        if key not in allowed:
            yield FieldFault(f"{pointer}/from/{key}", f"must be one of {listed(allowed)}")
    missing = [value for value in allowed if value not in options]
    if missing and not is_complete and schema.get("type") != "boolean":
        yield FieldFault(f"{pointer}/from", f"says nothing for {listed(missing)}")


def _faults_of_conditions(content: Mapping[str, Any]) -> Iterator[FieldFault]:
    """Find values that a parameter never has."""
    properties = params_schema(content)["properties"]
    for pointer, line in _entries(content):
        for word in ("when", "unless"):
            condition = line.get(word)
            for name, expected in condition.items() if isinstance(condition, Mapping) else ():
                allowed = _allowed(properties.get(name, {}))
                values = expected if isinstance(expected, list) else [expected]
                if allowed is not None and not set(map(as_text, values)) <= set(allowed):
                    place = f"{pointer}/{word}/{name}"
                    yield FieldFault(place, f"must be one of {listed(allowed)}")


def _allowed(schema: Mapping[str, Any]) -> list[str] | None:
    """List the values that a parameter may have, as text; None if there is no list."""
    values = [True, False] if schema.get("type") == "boolean" else schema.get("enum")
    return [as_text(value) for value in values] if values is not None else None


def _entries(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Find the lines of prompts that are more than a text."""
    for language, lines in content.get("prompt", {}).items():
        for index, line in enumerate(lines):
            if isinstance(line, Mapping):
                yield f"/prompt/{language}/{index}", line


def _choices(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from ((pointer, line) for pointer, line in _entries(content) if "by" in line)
    yield from _choices_in(content["input"], "/input")
    for index, other in enumerate(content.get("fallback", ())):
        yield from _choices_in(other.get("input", {}), f"/fallback/{index}/input")


def _choices_in(node: Any, pointer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(node, Mapping) and "by" in node:
        yield pointer, node
    for _, place, inner in children(node, pointer):
        yield from _choices_in(inner, place)
