"""
How large an event may be.

AppSync takes events of up to 240 KB (https://docs.aws.amazon.com/general/latest/gr/appsync.html),
EventBridge entries of up to 1 MB, which were 256 KB before 2026
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html), and receivers of
webhooks often less.
"""

import json
from collections.abc import Mapping
from typing import Any

MOST_BYTES = 200_000
# In this order, what is left out of an event that is too large; reading the task brings it.
_LEFT_OUT = ("input", "previews", "missing_outputs", "outputs", "children", "attempts")


def fitting(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    Leave out of a task what makes it too large for an event.

    Returns:
        The same; or less, with the names of what is left out in `left_out`.
    """
    left: dict[str, Any] = dict(data)
    names: list[str] = []
    for name in _LEFT_OUT:
        if _size(left) <= MOST_BYTES:
            break
        if left.get(name):
            left[name] = type(left[name])()
            names.append(name)
    return {**left, "left_out": names} if names else data


def _size(data: Mapping[str, Any]) -> int:
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
