"""Where a value stands in a JSON document (RFC 6901), and what stands there."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def escaped(part: object) -> str:
    """Write a name or an index as one step of a pointer, without its slash."""
    return str(part).replace("~", "~0").replace("/", "~1")


def children(value: Any, pointer: str) -> Iterator[tuple[str | int, str, Any]]:
    """List what stands right below a value: its name or index, its pointer, and itself."""
    match value:
        case Mapping():
            for name, inner in value.items():
                yield str(name), f"{pointer}/{escaped(name)}", inner
        case list():
            for index, inner in enumerate(value):
                yield index, f"{pointer}/{index}", inner


def texts(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Find all texts at or below a value, each with its pointer."""
    if isinstance(value, str):
        yield pointer, value
    for _, place, inner in children(value, pointer):
        yield from texts(inner, place)


def replace_texts(value: Any, replacement: Callable[[str], Any]) -> Any:
    """Copy a value with every text at or below it replaced; names of properties stay."""
    match value:
        case str():
            return replacement(value)
        case Mapping():
            return {name: replace_texts(inner, replacement) for name, inner in value.items()}
        case list():
            return [replace_texts(inner, replacement) for inner in value]
        case _:
            return value
