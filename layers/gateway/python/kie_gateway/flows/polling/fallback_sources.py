"""
Who may know the truth when Kie's status call does not: its history page, and its file host.

Both are ways around a fault that public clients report: the status stays at "generating" although
the picture is finished, visible on the dashboard, and lies on the file host.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from kie_gateway.core.errors.provider_errors import ProviderError
from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.polling.report import Finished, NotUnderstood, Report
from kie_gateway.core.ports.kie import Guesses, History
from kie_gateway.core.results import Source
from kie_gateway.core.task import CompletedBy, Task
from kie_gateway.core.timeline import Happened

# The page lists the newest tasks of the account; an older record is found by chance at most.
OLDEST_RECORD = timedelta(minutes=30)
OLD_RECORD = timedelta(minutes=15)


@dataclass(frozen=True)
class Finding:
    """What a source told: in words for the timeline, and as a verdict if it is one."""

    words: str
    finished: Finished | None = None
    facts: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


class FallbackSource(Protocol):
    """Somebody to ask after the status call."""

    @property
    def by(self) -> CompletedBy:
        """Which way a verdict from here came."""

    @property
    def happened(self) -> Happened:
        """What the timeline calls the question."""

    def is_due(self, task: Task, report: Report | None, now: datetime) -> bool:
        """
        Whether to ask.

        Args:
            task: As it stood before the status call.
            report: What the status call said, None if it said nothing.
        """

    def ask(self, task: Task, now: datetime) -> Finding | None:
        """Ask; None if there was nothing to ask. Never raises for what Kie.ai does."""


@dataclass(frozen=True)
class HistorySource:
    """Kie's own history page: undocumented, and open to keys and sessions as it pleases."""

    history: History
    by = CompletedBy.HISTORY
    happened = Happened.HISTORY_ASKED

    def is_due(self, task: Task, report: Report | None, now: datetime) -> bool:
        """Ask about an answer that was not understood, and from the second question on."""
        del now
        return isinstance(report, NotUnderstood) or task.polls > 0

    def ask(self, task: Task, now: datetime) -> Finding | None:
        """Look for the task by its exact id among the records of the last half hour."""
        if not self.history.is_open(task):
            return None
        try:
            record = self.history.find(task)
        except ProviderError as error:
            return Finding(f"The history page gave no answer: {error.message}")
        if record is None:
            return Finding("The history page does not list the task.")
        age = now - record.at if record.at is not None else None
        if age is not None and age > OLDEST_RECORD:
            return Finding(
                "The history page lists the task in a record that is too old to be accepted."
            )
        facts = {"age_seconds": round(age.total_seconds()) if age is not None else None}
        if not isinstance(record.report, Finished):
            return Finding("The history page lists the task without a result.", facts=facts)
        warning = " The record is old: check the result." if age and age > OLD_RECORD else ""
        words = f"The history page lists the task as done.{warning}"
        return Finding(words, record.report, facts)


@dataclass(frozen=True)
class GuessedLinkSource:
    """
    Links that follow a pattern, taken only if the file host says that they lead to a file.

    Attributes:
        after: Age from which a task is worth guessing about.
    """

    guesses: Guesses
    after: timedelta
    by = CompletedBy.GUESS
    happened = Happened.LINKS_GUESSED

    def is_due(self, task: Task, report: Report | None, now: datetime) -> bool:
        """Guess once the task is old."""
        del report
        return now - (task.submitted_at or task.created_at) >= self.after

    def ask(self, task: Task, now: datetime) -> Finding | None:
        """Try the family's pattern, a few links at most."""
        del now
        candidates = self.guesses.candidates(task)
        if not candidates:
            return None
        try:
            found = self.guesses.first_alive(candidates)
        except StorageError as error:
            return Finding(f"No link could be guessed: {error.message}")
        facts = {"tried": len(candidates)}
        if found is None:
            return Finding(f"None of {len(candidates)} guessed links leads to a file.", facts=facts)
        finished = Finished(state="guessed", sources=(Source(found),))
        return Finding("A guessed link leads to a file.", finished, facts)
