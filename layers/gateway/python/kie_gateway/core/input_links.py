"""Links in a task's input that Kie.ai is meant to fetch files from."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

# A value that is nothing but a link: one in the middle of a prompt is read, not fetched.
_LINK = re.compile(r"\s*(https?://\S+)\s*", re.IGNORECASE)


def input_links(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """
    Find http and https links in an input, each with its JSON pointer (RFC 6901).

    Links of other kinds, such as `data:` and those of uploads, are left out.
    """
    match value:
        case str() if link := _LINK.fullmatch(value):
            yield pointer, link[1]
        case Mapping():
            for name, inner in value.items():
                escaped = str(name).replace("~", "~0").replace("/", "~1")
                yield from input_links(inner, f"{pointer}/{escaped}")
        case list():
            for index, inner in enumerate(value):
                yield from input_links(inner, f"{pointer}/{index}")
