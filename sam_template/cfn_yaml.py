"""CloudFormation's YAML: `!Ref Name` and its like are short for `{"Ref": "Name"}`."""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.CSafeLoader):
    """Keeps its constructors to itself; PyYAML's own loaders stay as they are."""


def parse(text: str) -> Any:
    """Read a template's text; the short forms of functions come out in their long form."""
    return yaml.load(text, _Loader)  # noqa: S506 - a safe loader that knows some more tags


def _function(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in {"Ref", "Condition"} else f"Fn::{tag}"
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]  # what is left
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name: value}


_Loader.add_multi_constructor("!", _function)
