"""
Links in a task's input, tried before the task costs anything: only by a caller's request.

A link is refused only if it is proven to lead to no file. What cannot be told passes, for Kie.ai
may be luckier than we are.
"""

from collections.abc import Mapping
from typing import Any

from kie_gateway.core.deadline import (
    CREATION_SECONDS,
    QUESTION_SECONDS,
    RECORDING_SECONDS,
    share,
)
from kie_gateway.core.errors import FieldFault, InvalidRequestError
from kie_gateway.core.input_links import input_links
from kie_gateway.core.ports import InputLinks

# Different links of one input; those beyond pass.
MOST_LINKS = 30
MOST_SECONDS = 8.0
# The creation is still to be recorded and sent.
_KEEP_SECONDS = CREATION_SECONDS + RECORDING_SECONDS


def check_links(task_input: Mapping[str, Any], *, links: InputLinks, time_left: float) -> None:
    """
    Make sure that no link of an input is known to lead to no file.

    Args:
        time_left: Seconds that the invocation has; without enough of them nothing is asked.

    Raises:
        InvalidRequestError: Naming each link that does.
    """
    found = list(input_links(task_input, "/input"))
    asked = list(dict.fromkeys(url for _, url in found))[:MOST_LINKS]
    seconds = share(time_left, most=MOST_SECONDS, keep=_KEEP_SECONDS)
    if not asked or seconds < QUESTION_SECONDS:
        return
    known = links.faults(asked, seconds)
    faults = [FieldFault(pointer, known[url]) for pointer, url in found if url in known]
    if faults:
        raise InvalidRequestError("the input has links that lead to no file", faults)
