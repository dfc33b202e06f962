"""The task: what the caller asked for, what Kie.ai said of it, and where its files are."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from kie_gateway.core.reservation import Fate, Reservation


class Status(StrEnum):
    """Where a task stands, in the words of the HTTP API."""

    QUEUED = "queued"
    RUNNING = "running"
    STORING = "storing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_settled(self) -> bool:
        """Whether the task has ended. `expired` alone may still turn into `succeeded`."""
        return self in SETTLED


OPEN = (Status.QUEUED, Status.RUNNING, Status.STORING)
WITHOUT_VERDICT = (Status.QUEUED, Status.RUNNING, Status.EXPIRED)
SETTLED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELED, Status.EXPIRED)

# Music has two to six tracks; one write holds a hundred items.
_MOST_NAMED_RESULTS = 50

# Before the owner of a deleted task. No owner's name starts like this.
DELETED_OWNER = "deleted#"


class Attention(StrEnum):
    """Why a person should look at a task."""

    SUBMISSION_UNKNOWN = "submission_unknown"
    STALLED = "stalled"
    STORAGE_FAILED = "storage_failed"


class CompletedBy(StrEnum):
    """Which way the verdict came."""

    WEBHOOK = "webhook"
    POLL = "poll"
    HISTORY = "history"
    GUESS = "guess"
    IMMEDIATE = "immediate"
    IMPORT = "import"
    REFRESH = "refresh"


class Submission(StrEnum):
    """
    How far the creation at Kie.ai has come.

    `sending` is written before Kie is called: whoever finds it there later cannot know whether the
    call went out, and so never permits it again. `imported` was created by somebody else.
    """

    WAITING = "waiting"
    SENDING = "sending"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    IMPORTED = "imported"


class Step(StrEnum):
    """What a task lacks; the words the state machine routes by."""

    SUBMIT = "submit"
    ASK = "ask"
    STORE = "store"
    STALL = "stall"
    NONE = "none"


class Category(StrEnum):
    """What kind of trouble ended a task."""

    INPUT = "input"
    CONTENT_POLICY = "content_policy"
    UPSTREAM = "upstream"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    INSUFFICIENT_CREDITS = "insufficient_credits"
    STORAGE = "storage"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Failure:
    """
    Why a task failed.

    Attributes:
        code: Kie's code as text, or a word of ours.
        message: Kie's words where there are any.
        retryable: Whether a new task with the same input may succeed.
    """

    code: str
    category: Category
    message: str
    retryable: bool


@dataclass(frozen=True)
class Source:
    """
    A result as Kie.ai gave it.

    Attributes:
        url: A link that expires; empty where the result stood in the answer itself.
        alternates: Other links to the same result, to be tried when the first brings nothing.
        content: The result itself, such as lyrics; None where there is a link.
        content_type: Of `content`.
        duration_seconds: As Kie.ai says, None if it does not.
        is_base64: Whether `content` is the base64 of the result's bytes, and not its text.
        upstream_id: Kie's own id of it, by which follow-ups name it, such as a track's `audioId`.
    """

    url: str
    alternates: tuple[str, ...] = ()
    content: str | None = None
    content_type: str | None = None
    duration_seconds: float | None = None
    is_base64: bool | None = None
    upstream_id: str | None = None

    @classmethod
    def of_bytes(cls, body: bytes, content_type: str) -> Self:
        """Make a source of a file that stood in the answer itself; small, as it is kept with it."""
        return cls("", content=b64encode(body).decode(), content_type=content_type, is_base64=True)

    @property
    def body(self) -> bytes | None:
        """The bytes of `content`, None where there is a link."""
        if self.content is None:
            return None
        return b64decode(self.content) if self.is_base64 else self.content.encode()


class Cure(StrEnum):
    """What may still bring a result that is missing."""

    TIME = "time"
    PERSON = "person"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Missing:
    """
    A result that is not in the bucket.

    Attributes:
        index: Position among the outputs, from 0, in Kie's order.
        reason: Why, in words without secrets.
        cure: `time`: it is copied again; `person`: once somebody has seen to the cause; `nothing`:
            Kie.ai promised it and never gave it.
    """

    index: int
    reason: str
    cure: Cure


@dataclass(frozen=True)
class Output:
    """
    A stored result.

    Attributes:
        index: Position among the outputs, from 0, in Kie's order.
        media: `image`, `video`, `audio`, `text`, `archive` or `other`.
        key: Where it lies in the bucket.
        sha256: Lower-case hex.
        source_url: Kie's link without its query, which has an end of its own.
        animated: Whether a picture moves; None for everything else.
        upstream_id: Kie's own id of it, None where it has none.
    """

    index: int
    media: str
    content_type: str
    bytes: int
    sha256: str
    key: str
    source_url: str
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    animated: bool | None = None
    upstream_id: str | None = None


@dataclass(frozen=True)
class Task:
    """
    One task, as recorded.

    Attributes:
        input: As the caller sent it; an excerpt where the whole lies beside the record.
        input_bytes: Size of the whole as compact JSON where `input` is an excerpt, or else None.
        callback_base_url: Public address of this deployment when the task was created.
        sending_at: When the creation was last about to be sent to Kie.ai.
        upstream_facts: What else Kie.ai told of the result, such as seeds.
        sources: What Kie.ai said the results are; empty before its verdict.
        outputs: What is stored of them, as soon as it is.
        missing: What is known not to be.
        reservation: Of the owner's credits; None for work that was created elsewhere.
        release_at: When credits are given back for want of a verdict; of an open task, when
            somebody looks whether it is followed.
        sweep_at: When somebody looks at a task that its last move left in nobody's care
            (`core/sweep.py`); None where `release_at` and an execution are enough.
        previews: Stored files that are no results: far below what was asked for.
        next_at: Earliest moment for the next step of the watch.
        polls: How often Kie.ai was asked by the watch.
        store_attempts: How often copying began since the last verdict.
        copy_until: When it is not tried again any more.
        retention_days: How long the files are kept; None for the deployment's default.
        delete_at: When the files will be gone; None if they are kept.
        deleted_at: When the caller deleted the task.
        storing_until: Until when a running copy holds the task for itself.
        watches: How many executions have followed the task.
        submit_turn: Fair turn in the submit queue; None if the task was never queued there.
        short_of_credits: Whether Kie.ai refused the creation for want of credits, and others may
            still be taken, so that it waits by itself.
        version: Grows with every change.
    """

    task_id: str
    owner: str
    status: Status
    model: str
    family: str
    kind: str
    input: Mapping[str, Any]
    callback_base_url: str
    created_at: datetime
    deadline_at: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)
    input_bytes: int | None = None
    attention: Attention | None = None
    submission: Submission = Submission.WAITING
    submission_attempts: int = 0
    sending_at: datetime | None = None
    upstream_task_id: str | None = None
    upstream_state: str | None = None
    upstream_code: str | None = None
    upstream_message: str | None = None
    upstream_facts: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    outputs: tuple[Output, ...] = ()
    missing: tuple[Missing, ...] = ()
    previews: tuple[Output, ...] = ()
    error: Failure | None = None
    credits_estimated: float | None = None
    credits_charged: float | None = None
    reservation: Reservation | None = None
    release_at: datetime | None = None
    sweep_at: datetime | None = None
    completed_by: CompletedBy | None = None
    parent_id: str | None = None
    batch_id: str | None = None
    retry_of: str | None = None
    submitted_at: datetime | None = None
    upstream_completed_at: datetime | None = None
    completed_at: datetime | None = None
    retention_days: int | None = None
    delete_at: datetime | None = None
    deleted_at: datetime | None = None
    next_at: datetime | None = None
    polls: int = 0
    store_attempts: int = 0
    copy_until: datetime | None = None
    storing_until: datetime | None = None
    watches: int = 1
    submit_turn: int | None = None
    short_of_credits: bool = False
    version: int = 1

    @property
    def next_step(self) -> Step:
        """What the watch finds missing when it reads the record."""
        if self.deleted_at is not None:
            return Step.NONE
        match self.status:
            case Status.STORING:
                return Step.STORE
            case Status.QUEUED if self.submission is Submission.WAITING:
                return Step.SUBMIT
            case Status.QUEUED | Status.RUNNING | Status.EXPIRED:
                return Step.ASK
            case _:
                return Step.NONE

    @property
    def may_get_verdict(self) -> bool:
        """Whether a verdict of Kie.ai still counts: an expired task may yet succeed."""
        return self.status in WITHOUT_VERDICT and self.deleted_at is None

    @property
    def paying_owner(self) -> str:
        """Whose account the task is on; deleting the task does not change that."""
        return self.owner.removeprefix(DELETED_OWNER)

    @property
    def is_price_open(self) -> bool:
        """Whether nobody wants it any more while Kie.ai may have made it, and it is not charged."""
        return (
            self.is_unwanted
            and self.submission is not Submission.WAITING
            and self.reservation is not None
            and self.reservation.fate is not Fate.CHARGED
        )

    @property
    def is_unwanted(self) -> bool:
        """Whether a result would not be delivered: canceled, or deleted without a verdict."""
        is_lost = self.status is Status.EXPIRED and self.deleted_at is not None
        return self.status is Status.CANCELED or is_lost

    @property
    def is_swept(self) -> bool:
        """Whether somebody looks at it at `sweep_at`: it is open, or its files are to be gone."""
        wants_care = not self.status.is_settled or self.deleted_at is not None
        return self.sweep_at is not None and wants_care

    @property
    def is_in_submit_queue(self) -> bool:
        """Whether the task waits for its turn at Kie.ai."""
        waits = self.next_step is Step.SUBMIT and self.submit_turn is not None
        return waits and not self.short_of_credits

    @property
    def is_short_of_credits(self) -> bool:
        """Whether the task waits, outside the queue, for credits at Kie.ai."""
        return self.next_step is Step.SUBMIT and self.short_of_credits

    @property
    def price(self) -> Decimal | None:
        """What Kie.ai will take for the task, as far as is known."""
        if self.reservation is not None:
            return self.reservation.credits
        return None if self.credits_estimated is None else Decimal(str(self.credits_estimated))

    @property
    def is_unstored(self) -> bool:
        """Whether it has expired because its results could not be copied."""
        return self.status is Status.EXPIRED and self.attention is Attention.STORAGE_FAILED

    def is_overdue(self, now: datetime) -> bool:
        """Whether the deadline has passed without a verdict."""
        return self.status in (Status.QUEUED, Status.RUNNING) and now >= self.deadline_at


def upstream_ids(task: Task) -> frozenset[str]:
    """Kie's ids of a task's results, where they have any; a bounded number of them."""
    found = (source.upstream_id for source in task.sources[:_MOST_NAMED_RESULTS])
    return frozenset(one for one in found if one)
