"""Links in a task's input that Kie.ai is meant to fetch files from."""

import re
from collections.abc import Iterator
from typing import Any

from kie_gateway.core.inputs.json_pointer import texts

# A value that is nothing but a link: one in the middle of a prompt is read, not fetched.
_LINK = re.compile(r"\s*(https?://\S+)\s*", re.IGNORECASE)


def input_links(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """
    Find http and https links in an input, each with its JSON pointer (RFC 6901).

    Links of other kinds, such as `data:` and those of uploads, are left out.
    """
    for place, text in texts(value, pointer):
        if link := _LINK.fullmatch(text):
            yield place, link[1]
