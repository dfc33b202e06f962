"""Names of fields in camel case and in snake case, which Kie.ai's two roads tell apart."""

from collections.abc import Iterable, Mapping
from typing import Any


def respelled(given: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """
    Rename fields to known names where case and underscores alone differ.

    Kie.ai ignores a field that it does not know and charges all the same. A field whose known name
    is given as well stays as it is: whoever checks the input shall see both.
    """
    exact = dict.fromkeys(names)
    known = {_folded(name): name for name in exact}
    return {
        name if name in exact or meant in given else meant: value
        for name, value in given.items()
        for meant in (known.get(_folded(name), name),)
    }


def _folded(name: str) -> str:
    return name.replace("_", "").lower()
