"""
Read YAML as people mean it.

By YAML 1.1, which PyYAML speaks, `16:9` is the number 969, `on` is true, and of two entries with
one key the first is forgotten. Here, as in YAML 1.2, only `true`, `false`, `null` and plain decimal
numbers are anything but text, keys are always text, and a key that is there twice is an error.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from kie_gateway.core.errors.base import ConfigurationError

if TYPE_CHECKING:
    from yaml import MappingNode, SafeLoader

_TAG = "tag:yaml.org,2002:"
# How each kind is written, and what it may begin with.
_KINDS = {
    "bool": (r"true|false", ("t", "f")),
    "null": (r"null|~|", ("n", "~", "")),
    "int": (r"-?(?:0|[1-9][0-9]*)", tuple("-0123456789")),
    "float": (r"-?(?:0|[1-9][0-9]*)\.[0-9]+", tuple("-0123456789")),
}


def read_yaml(text: str) -> Any:
    """Read a document. Raises ConfigurationError, which names the line."""
    import yaml  # noqa: PLC0415 - only ApiFunction pays for it, and only for recipes

    try:
        return yaml.load(text, Loader=_loader())  # noqa: S506 - it is a safe one
    except yaml.YAMLError as error:
        raise ConfigurationError(" ".join(str(error).split())) from error


@cache
def _loader() -> "type[SafeLoader]":
    import yaml  # noqa: PLC0415 - see above

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: type[SafeLoader] = type("_Loader", (base,), {"yaml_implicit_resolvers": {}})
    for kind, (pattern, first) in _KINDS.items():
        loader.add_implicit_resolver(f"{_TAG}{kind}", re.compile(rf"(?:{pattern})\Z"), list(first))
    loader.add_constructor(f"{_TAG}map", _mapping)
    return loader


def _mapping(loader: "SafeLoader", node: "MappingNode") -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - see above

    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "no key", key.start_mark)
        if key.value in found:
            words = f"{key.value} is there twice"
            raise yaml.constructor.ConstructorError(None, None, words, key.start_mark)
        found[key.value] = loader.construct_object(value, deep=True)
    return found
