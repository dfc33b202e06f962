"""What flows need of the outside world; adapters in `aws/`, `kie/` and `fetch/` provide it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from kie_gateway.core.account import Account
from kie_gateway.core.idempotency import IdempotencyKey
from kie_gateway.core.ledger import LedgerEntry, LedgerPosition
from kie_gateway.core.model_times import Observed
from kie_gateway.core.moves import Move
from kie_gateway.core.posting import Posting
from kie_gateway.core.remote_file import RemoteFile, StoredFile
from kie_gateway.core.report import Failed, Finished, Report
from kie_gateway.core.submit_queue import NOTHING, Permit, SubmitQueueState, Ticket
from kie_gateway.core.task import Task
from kie_gateway.core.timeline import Entry

type Decide = Callable[[Task], Move | None]
type Change = Callable[[Account], Posting]


@dataclass(frozen=True)
class Moved:
    """The record after a move was tried; `changed` is False when its clauses did not hold."""

    task: Task
    changed: bool


@dataclass(frozen=True)
class Existing:
    """The task an idempotency key already stands for, and whether for the same request."""

    task_id: str
    same_request: bool


@dataclass(frozen=True)
class TaskFilter:
    """Which of an owner's tasks to list; None leaves a clause out."""

    status: str | None = None
    model: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    batch_id: str | None = None
    parent_id: str | None = None


@dataclass(frozen=True)
class Page:
    """Tasks in order; `next_after` is the id to go on from, None at the end."""

    tasks: tuple[Task, ...]
    next_after: str | None


class TaskStore(Protocol):
    """
    The record of every task: one conditional move at a time, with its timeline.

    What a move means for the owner's account is written with it (`core/account.py`).
    """

    def create(
        self,
        task: Task,
        entries: Sequence[Entry],
        idempotency: IdempotencyKey | None,
        *,
        tasks_at_once: int = 0,
    ) -> Task | Existing:
        """
        Write a new task; the existing one's id if the idempotency key is taken.

        Args:
            tasks_at_once: How many the owner may have open; 0 for any number.

        Returns:
            The task with its funds, as it was written.

        Raises:
            TooManyTasksError, InsufficientCreditsError, BudgetExceededError: Nothing was written.
        """

    def existing(self, idempotency: IdempotencyKey, now: datetime) -> Existing | None:
        """Find the task that an idempotency key stands for; None if the key is free."""

    def forget(self, task: Task, idempotency: IdempotencyKey | None) -> None:
        """Take a new task back, as if it had never been created, unless it was moved since."""

    def get(self, task_id: str) -> Task | None:
        """Read a task as it stands."""

    def version_of(self, task_id: str) -> int | None:
        """Read which version a task is in, perhaps a moment late; None if it is not there."""

    def move(self, task: Task, decide: Decide) -> Moved:
        """
        Move the record, deciding again on the record as it stands whenever it has changed.

        Raises:
            RecordGoneError: The task has been taken back.
        """

    def find_by_upstream(self, upstream_task_id: str) -> list[Task]:
        """Find tasks by Kie's id; one that was given its id a moment ago may be missing."""

    def find_by_result(self, upstream_id: str) -> Task | None:
        """Find the task that first had a result with this id of Kie's, such as a track's."""

    def note(self, task_id: str, entry: Entry) -> None:
        """Add to the timeline without a move."""

    def note_once_a_minute(self, task_id: str, entry: Entry) -> None:
        """Add to the timeline, at most once a minute, what strangers can cause at will."""

    def entries(self, task_id: str) -> list[Entry]:
        """Read the timeline, oldest first."""

    def list_tasks(
        self, owner: str, which: TaskFilter, *, limit: int, after: str | None, newest_first: bool
    ) -> Page:
        """List an owner's tasks."""


@dataclass(frozen=True)
class Changed:
    """An account after a change; `replayed` if an earlier request had made it."""

    account: Account
    replayed: bool


class Accounts(Protocol):
    """The accounts; every call raises BackendUnavailableError when the table is not there."""

    def account(self, owner: str, now: datetime) -> Account:
        """Read an account as it stands; that of a new owner as it will begin."""

    def change(
        self, owner: str, decide: Change, now: datetime, once: IdempotencyKey | None = None
    ) -> Changed:
        """
        Change an account, deciding again whenever somebody else was faster.

        Raises:
            IdempotencyMismatchError: The key stands for another change.
        """

    def ledger(
        self, owner: str, *, limit: int, before: LedgerPosition | None
    ) -> tuple[Sequence[LedgerEntry], LedgerPosition | None]:
        """List entries, newest first; with the place to go on at, None at the end."""


class Releases(Protocol):
    """Tasks whose credits are to be given back."""

    def due(self, now: datetime) -> Sequence[str]:
        """Name some that are due, the longest overdue first. Raises BackendUnavailableError."""


class Sweeps(Protocol):
    """Tasks that nobody may care for."""

    def to_sweep(self, now: datetime) -> Sequence[str]:
        """Name some that are due, the longest overdue first. Raises BackendUnavailableError."""


class SubmitQueue(Protocol):
    """
    The submit queue, which takes so many creations in a time and refuses the rest.

    Every call raises BackendUnavailableError when the table does not answer.
    """

    def state(self) -> SubmitQueueState | None:
        """Read the queue; None while everything may be sent at once."""

    def report_refusal(self, pause_seconds: float | None) -> None:
        """Say that Kie.ai refused a creation, and for how long if it told."""

    def report_acceptance(self) -> None:
        """Say that Kie.ai took a creation, after it had refused some."""

    def pause_for_credits(self, funds: Decimal = NOTHING) -> None:
        """
        Say that Kie.ai's account has too few credits; nothing more is sent for an hour.

        Args:
            funds: What there is; as much may still be spent.
        """

    def resume(self) -> None:
        """Say that it has some again."""

    def last_ticket_at(self) -> datetime:
        """Tell when the last ticket is that was given away; now if that has passed."""

    def enqueue(self, owner: str) -> Ticket:
        """Take a place."""

    def acquire_permit(self, patience: timedelta) -> Permit:
        """
        Reserve the next moment at which Kie.ai takes a creation.

        Args:
            patience: A moment that is farther away is not reserved, but only told.
        """

    def correct_permit(self, reserved: datetime, sent: datetime) -> None:
        """Say that a creation was sent later than at the moment reserved for it."""

    def advance_to(self, turn: int) -> None:
        """Say whose turn it was."""

    def front(self) -> Sequence[str]:
        """Name the tasks that come first, in order."""

    def waiting(self) -> Iterator[str]:
        """Name every task in the queue, roughly in order."""

    def short_of_credits(self) -> Iterator[str]:
        """Name every task that waits for credits outside the queue."""


class Executions(Protocol):
    """Executions of the machine `WatchTask`."""

    def start(self, task_id: str, watch: int, wait_until: datetime) -> None:
        """Follow a task from `wait_until` on; starting the same watch twice is harmless."""

    def stop(self, task_id: str, watch: int, why: str) -> None:
        """End a watch that another one takes over from."""

    def is_running(self, task_id: str, watch: int) -> bool:
        """Whether a watch was started and has not ended."""


class StoreQueue(Protocol):
    """Work that must not keep Kie.ai waiting for an answer."""

    def request_storing(self, task_id: str) -> None:
        """Ask for the results of a task to be copied."""

    def request_asking(self, task_id: str) -> None:
        """Ask for Kie.ai to be asked about a task, and for the results to be copied if done."""


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
        """Name links, the likeliest first, a dozen at most; none without a pattern."""

    def first_alive(self, links: Sequence[str]) -> str | None:
        """
        Find the first link that leads to a file.

        Raises:
            StorageError: The links may not be tried at all.
        """


@dataclass(frozen=True)
class Said:
    """
    What a webhook says.

    Attributes:
        upstream_task_id: The id it names, None if it names none.
        is_about_another_task: Whether that is not the id on record.
        body: As it may be kept, without secrets.
    """

    report: Report
    upstream_task_id: str | None
    is_about_another_task: bool
    body: bytes = b""


class WebhookReader(Protocol):
    """Kie.ai's webhooks."""

    def verify_token(self, task_id: str, token: str) -> None:
        """Check the token of a callback URL. Raises WebhookRefusedError."""

    def verify_signature(
        self, task: Task, headers: Mapping[str, str], body: bytes, *, now: datetime
    ) -> None:
        """Check the signature, if webhooks are signed. Raises WebhookRefusedError."""

    def read(self, task: Task, body: bytes) -> Said:
        """Read a body, whatever it is."""


class Archive(Protocol):
    """Raw bodies, kept for replay."""

    def put_raw(self, key: str, body: bytes, content_type: str) -> None:
        """Keep a body."""


class RawArchive(Archive, Protocol):
    """Raw bodies, to be read again."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Name every body whose key starts so, in order."""

    def get_raw(self, key: str) -> bytes:
        """Read a body."""


class ModelTimes(Protocol):
    """Times that this deployment's tasks have taken."""

    def add(self, model: str, seconds: float, now: datetime) -> None:
        """Count a finished task. Raises BackendUnavailableError."""

    def observed(self, model: str) -> Observed | None:
        """Read them; None while there are too few. Raises BackendUnavailableError."""


class InputHost(Protocol):
    """Kie's own place for input files; every call raises ProviderError when it fails."""

    def take_url(self, url: str, extension: str) -> str:
        """Have Kie.ai fetch a file; returns its link there."""

    def take_base64(self, content: str, extension: str) -> str:
        """Send a small file as base64 or as a data URL; returns its link at Kie.ai."""


class InputLinks(Protocol):
    """The hosts that callers' links lead to."""

    def faults(self, urls: Sequence[str], seconds: float) -> Mapping[str, str]:
        """
        Tell why links lead to no file, as far as that is proven; the others are left out.

        Args:
            urls: Different http and https links.
            seconds: How long all of it may take.
        """


class OutputStore(Protocol):
    """Where results are kept."""

    def store(
        self,
        file: RemoteFile,
        *,
        key: str,
        content_type: str,
        content_disposition: str,
        cache_control: str,
        tags: str = "",
        replaces: str | None = None,
    ) -> StoredFile:
        """
        Copy a file; nothing half-written stays behind when it raises StorageError.

        Args:
            replaces: The version that may be written over, as `version` told it; None if nothing
                may be.

        Raises:
            KeyTakenError: Something else lies there, and stays.
        """

    def version(self, key: str) -> str | None:
        """Tell what lies under a key, in a word that others differ from; None if nothing does."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove files; those that are not there are no error."""

    def delete_folder(self, prefix: str) -> None:
        """Remove every file whose key starts so."""


class Files(Protocol):
    """The file hosts of Kie.ai."""

    def open(self, url: str) -> AbstractContextManager[RemoteFile]:
        """Open a result for reading. Raises StorageError."""
