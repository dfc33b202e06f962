"""The links to a stored file, as far as whoever presents it wants them."""

from collections.abc import Callable
from dataclasses import dataclass

from kie_gateway.core.results import Output
from kie_gateway.core.task import Task


@dataclass(frozen=True)
class OutputLinks:
    """
    Makes the links to outputs and previews.

    Attributes:
        link: Makes a link that opens without a key, for a while; None where none is wanted.
        permalink: Makes the link that lives as long as the file; None where they are switched off.
    """

    link: Callable[[Output], str | None]
    permalink: Callable[[Task, Output], str | None]
