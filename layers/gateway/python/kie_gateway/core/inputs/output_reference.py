"""
Results of earlier tasks that a task's input names: `kg-output://task_.../0`.

Like the reference of an upload it becomes a link that Kie.ai can fetch only when the task is sent,
because every link to the bucket ends within hours.
"""

import re
from collections.abc import Iterator
from typing import Any

from kie_gateway.core.inputs.json_pointer import texts

SCHEME = "kg-output://"
_REFERENCE = re.compile(r"kg-output://(task_[0-9a-z]{26})/(0|[1-9]\d{0,3})")


def reference_to(task_id: str, index: int) -> str:
    """Write the reference of a result."""
    return f"{SCHEME}{task_id}/{index}"


def output_in(value: str) -> tuple[str, int] | None:
    """Read a reference as a task's id and an index; None if it is none."""
    found = _REFERENCE.fullmatch(value)
    return (found[1], int(found[2])) if found else None


def references(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Find references in an input, each with its JSON pointer."""
    return ((place, text) for place, text in texts(value, pointer) if text.startswith(SCHEME))
