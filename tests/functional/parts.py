"""Parts of a function, wherever they are wired in."""

from collections.abc import Iterator
from typing import Any


def parts_of(whole: Any) -> Iterator[Any]:
    """Name every object that a function's parts are made of, each once."""
    seen: set[int] = set()
    waiting = [whole]
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        if isinstance(part, list | tuple):
            waiting += part
        elif type(part).__module__.startswith("kie_gateway.") and hasattr(part, "__dict__"):
            waiting += vars(part).values()
        elif (closure := getattr(part, "__closure__", None)) is not None:
            waiting += [cell.cell_contents for cell in closure]
