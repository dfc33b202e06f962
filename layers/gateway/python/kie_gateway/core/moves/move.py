"""What a move is, and what several kinds of moves share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from kie_gateway.core.results import Source
from kie_gateway.core.task import Submission, Task
from kie_gateway.core.timeline import Entry

# A stalled task that is looked at again within this time has only just stalled.
STALL_REST = timedelta(seconds=10)
UNSUBMITTED = (Submission.SENDING, Submission.UNKNOWN)


@dataclass(frozen=True)
class NewRecord:
    """A task that has no record yet, with the beginning of its timeline."""

    task: Task
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Move:
    """
    A task as it shall be, with what the timeline tells of the change.

    Attributes:
        creates: Children that are created by it; they take over what is set aside for them.
    """

    task: Task
    entries: tuple[Entry, ...] = ()
    creates: tuple[NewRecord, ...] = ()


def files_in_words(sources: Sequence[Source]) -> str:
    """Return how many results there are, for the timeline."""
    return f"{len(sources)} file" + ("" if len(sources) == 1 else "s")
