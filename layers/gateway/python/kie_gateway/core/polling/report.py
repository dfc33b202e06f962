"""
What an answer or a webhook of Kie.ai says: exactly one of six things.

Families translate Kie's many shapes into these (`kie/families/`); everything behind them knows no
word of Kie's wire format.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from kie_gateway.core.failure import Failure
from kie_gateway.core.results import Source


@dataclass(frozen=True)
class Running:
    """Kie.ai works on it. `state` is Kie's word."""

    state: str


@dataclass(frozen=True)
class Finished:
    """
    Kie.ai is done.

    Attributes:
        sources: At least one result, in Kie's order.
        completed_at: When Kie says it was done, None if it does not say.
        credits: What Kie says it took, None if it does not say.
        facts: Further things Kie tells of the result, such as seeds; short values only.
        missing: Numbers of results that were promised and never came, after those of `sources`.
        beside: What goes with the results and is none of them, like a track's picture.
    """

    state: str
    sources: tuple[Source, ...]
    completed_at: datetime | None = None
    credits: Decimal | None = None
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    missing: tuple[int, ...] = ()
    beside: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Partial:
    """
    Kie.ai says that it is done, and some results are not there yet.

    Attributes:
        finished: Holds those that are there.
        missing: Numbers of those that are not; results are numbered as they would be stored, those
            that are there first.
    """

    state: str
    finished: Finished
    missing: tuple[int, ...]

    @property
    def words(self) -> str:
        """How much of the result is there, for the timeline."""
        there = len(self.finished.sources)
        promised = there + len(self.missing)
        return f"Kie.ai says: {self.state}. Of {promised} results promised {there} can be had yet."


@dataclass(frozen=True)
class Failed:
    """
    Kie.ai gave up for good.

    Attributes:
        in_record: Whether the task's own record says so, and not only the code and the words of
            the answer around it, which may be about the question.
        blames_model: Whether Kie.ai does not offer the model, now or any more, whatever the input.
    """

    state: str
    failure: Failure
    completed_at: datetime | None = None
    in_record: bool = True
    blames_model: bool = False


@dataclass(frozen=True)
class NotVisible:
    """Kie.ai does not know the task (yet): its records appear with a delay."""

    message: str


@dataclass(frozen=True)
class NotUnderstood:
    """
    Something else; never guessed to be running for ever.

    Attributes:
        completed_at: When Kie says it was done, although the result is not there.
    """

    reason: str
    completed_at: datetime | None = None


type Report = Running | Finished | Partial | Failed | NotVisible | NotUnderstood
