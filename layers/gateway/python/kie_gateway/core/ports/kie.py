"""Kie.ai, as flows need it; `kie/` and `fetch/` provide it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from kie_gateway.core.polling.report import Failed, Finished, Report
from kie_gateway.core.task import Task


@dataclass(frozen=True)
class Accepted:
    """
    Kie.ai's yes to a creation.

    Attributes:
        upstream_task_id: None only where the answer holds the result and names no task.
        at_once: The verdict, where the answer holds it already.
        raw: The answer, as it may be kept.
    """

    upstream_task_id: str | None
    at_once: Finished | Failed | None = None
    raw: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What Kie.ai answered: what it means, and the body as it may be kept."""

    report: Report
    raw: bytes


class Provider(Protocol):
    """Kie.ai; what it says comes without secrets, whichever it quotes."""

    def create(self, task: Task, task_input: Mapping[str, Any]) -> Accepted:
        """
        Create a task.

        Args:
            task_input: Of the task, as Kie.ai can use it.

        Raises:
            ProviderBusyError, ProviderUnreachableError, ProviderRejectedError: surely not created.
            SubmissionUnknownError: perhaps created.
        """

    def ask(self, task: Task) -> Answer:
        """
        Ask how a task stands.

        Raises:
            ProviderError: no answer about the task came.
        """

    def fresh_link(self, task: Task, url: str) -> str | None:
        """
        Ask for another link to a file of Kie's; None if it has none.

        Raises:
            ProviderError: no answer came.
        """


@dataclass(frozen=True)
class Record:
    """
    What a history page says of a task.

    Attributes:
        at: When it was completed, or else created; None if it does not say.
    """

    report: Report
    at: datetime | None


class History(Protocol):
    """Kie's own history pages."""

    def is_open(self, task: Task) -> bool:
        """Whether there is a page that may list the task, and that has not just refused us."""

    def find(self, task: Task) -> Record | None:
        """
        Find a task by its exact id.

        Raises:
            ProviderError: no page came.
        """


class Guesses(Protocol):
    """Links that Kie.ai may have put a result under."""

    def candidates(self, task: Task) -> Sequence[str]:
        """Return links, the likeliest first, a dozen at most; none without a pattern."""

    def first_alive(self, links: Sequence[str]) -> str | None:
        """
        Find the first link that leads to a file.

        Raises:
            StorageError: The links may not be tried at all.
        """


class InputHost(Protocol):
    """Kie's own place for input files; every call raises ProviderError when it fails."""

    def take_url(self, url: str, extension: str) -> str:
        """Have Kie.ai fetch a file; returns its link there."""

    def take_base64(self, content: str, extension: str) -> str:
        """Send a small file as base64 or as a data URL; returns its link at Kie.ai."""
