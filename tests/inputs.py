"""Inputs made from the schemas of the catalogue."""

from collections.abc import Mapping
from typing import Any

LINK = "https://example.com/a.png"


def smallest_input(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Make the smallest input: what is required, in the first of the ways there may be."""
    way = schema.get("anyOf", [{}])[0]
    properties = schema.get("properties", {}) | way.get("properties", {})
    required = {*schema.get("required", ()), *way.get("required", ())}
    return {name: _smallest(properties[name]) for name in required}


def _smallest(schema: Mapping[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "string":
            return LINK if "format" in schema else "x" * schema.get("minLength", 1)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
        case "array":
            return [_smallest(schema["items"])] * max(schema.get("minItems", 0), 1)
        case _:
            return smallest_input(schema)
