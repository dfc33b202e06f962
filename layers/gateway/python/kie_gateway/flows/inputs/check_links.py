"""
Links in a task's input, tried before the task costs anything: only by a caller's request.

A link is refused only if it is proven to lead to no file. What cannot be told passes, for Kie.ai
may be luckier than we are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kie_gateway.core.deadline import (
    CREATION_SECONDS,
    QUESTION_SECONDS,
    RECORDING_SECONDS,
    share,
)
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.inputs.input_links import input_links
from kie_gateway.core.ports.files import InputLinks

# Different links of one input; those beyond pass.
MOST_LINKS = 30
MOST_SECONDS = 8.0
# The creation is still to be recorded and sent.
_KEEP_SECONDS = CREATION_SECONDS + RECORDING_SECONDS


@dataclass(frozen=True)
class CheckLinks:
    """
    Makes sure that no link of an input is known to lead to no file.

    Attributes:
        time_left: Tells the seconds that the invocation has; without enough nothing is asked.
    """

    links: InputLinks
    time_left: Callable[[], float]

    def __call__(self, task_input: Mapping[str, Any]) -> None:
        """
        Try the links of one input.

        Raises:
            InvalidRequestError: Naming each link that leads to no file.
        """
        found = list(input_links(task_input, "/input"))
        asked = list(dict.fromkeys(url for _, url in found))[:MOST_LINKS]
        seconds = share(self.time_left(), most=MOST_SECONDS, keep=_KEEP_SECONDS)
        if not asked or seconds < QUESTION_SECONDS:
            return
        known = self.links.faults(asked, seconds)
        faults = [FieldFault(pointer, known[url]) for pointer, url in found if url in known]
        if faults:
            raise InvalidRequestError("the input has links that do not lead to a file", faults)
