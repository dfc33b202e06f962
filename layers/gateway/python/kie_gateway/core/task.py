"""The task: what the caller asked for, what Kie.ai said of it, and where its files are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from kie_gateway.core.alternatives import Alternative, Attempt
from kie_gateway.core.credits.reservation import Fate, Reservation
from kie_gateway.core.events.task_webhook import TaskWebhook
from kie_gateway.core.failure import Failure
from kie_gateway.core.groups.child import Child, planned, planned_credits
from kie_gateway.core.recipe_version import RecipeVersion
from kie_gateway.core.results import Missing, Output, Source


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
    CREATE_CHILDREN = "create_children"
    STALL = "stall"
    NONE = "none"


@dataclass(frozen=True)
class Task:
    """
    One task, as recorded.

    Attributes:
        input: As the caller sent it; an excerpt where the whole lies beside the record.
        input_bytes: Size of the whole as compact JSON where `input` is an excerpt, or else None.
        input_file: Number of the file that holds the whole; alternatives may have their own.
        alternatives: Models that are still to be tried if this one comes to nothing, in order.
        attempts: Those that came to nothing before this one.
        max_credits: What all attempts together may cost, as far as can be known before.
        expected_seconds: How long Kie.ai was expected to take when the task, or the model that is
            tried now, was asked for; None where nobody knew.
        callback_base_url: Public address of this deployment when the task was created.
        sending_at: When the creation was last about to be sent to Kie.ai.
        upstream_facts: What else Kie.ai told of the result, such as seeds.
        sources: What Kie.ai said the results are; empty before its verdict.
        outputs: What is stored of them, as soon as it is.
        missing: What is known not to be.
        reservation: Of the owner's credits; None for work that was created elsewhere.
        release_at: When credits are released for lack of a verdict; of an open task, when
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
        children: Tasks that belong to it, those to come included.
        recipe: By which it was made; None if the caller has chosen model and input.
        least_picture: Smallest picture that counts, width and height; None for what the input asks
            for. Music that says so keeps the picture of its track.
        webhook: Where its events are delivered, besides its owner's endpoints.
        has_expired: Whether it has expired once; if it succeeds all the same, it has recovered.
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
    input_file: int = 0
    alternatives: tuple[Alternative, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    max_credits: Decimal | None = None
    expected_seconds: int | None = None
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
    credits_estimated: Decimal | None = None
    credits_charged: Decimal | None = None
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
    children: tuple[Child, ...] = ()
    recipe: RecipeVersion | None = None
    least_picture: tuple[int, int] | None = None
    webhook: TaskWebhook | None = None
    has_expired: bool = False
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
            case Status.SUCCEEDED if self.has_due_children:
                return Step.CREATE_CHILDREN
            case _:
                return Step.NONE

    @property
    def may_get_verdict(self) -> bool:
        """Whether a verdict of Kie.ai still counts: an expired task may yet succeed."""
        return self.status in WITHOUT_VERDICT and self.deleted_at is None

    @property
    def has_due_children(self) -> bool:
        """Whether there are children to be created now."""
        is_due = self.status is Status.SUCCEEDED and self.deleted_at is None
        return is_due and any(child.is_planned for child in self.children)

    @property
    def planned_credits(self) -> Decimal:
        """What is set aside for children to come, and for theirs."""
        return planned_credits(self.children)

    @property
    def planned_tasks(self) -> int:
        """How many children are to come, theirs included."""
        return len(planned(self.children))

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
        """Whether somebody looks at it at `sweep_at`: it lacks something, or is to be cleaned."""
        is_open = not self.status.is_settled or self.has_due_children
        wants_care = is_open or self.deleted_at is not None
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
            return self.reservation.price
        return self.credits_estimated

    @property
    def was_created_before(self) -> bool:
        """Whether Kie.ai has taken an earlier attempt, of which it may still tell."""
        return any(attempt.upstream_task_id is not None for attempt in self.attempts)

    def earlier_attempt(self, upstream_task_id: str | None) -> Attempt | None:
        """Find the attempt before this one that has such an id at Kie.ai."""
        if upstream_task_id is None or upstream_task_id == self.upstream_task_id:
            return None
        return next(
            (one for one in self.attempts if one.upstream_task_id == upstream_task_id), None
        )

    @property
    def is_unstored(self) -> bool:
        """Whether it has expired because its results could not be copied."""
        return self.status is Status.EXPIRED and self.attention is Attention.STORAGE_FAILED

    def has_lost_its_files(self, now: datetime) -> bool:
        """Whether its files were deleted when their time had come."""
        return self.delete_at is not None and self.delete_at <= now

    def is_overdue(self, now: datetime) -> bool:
        """Whether the deadline has passed without a verdict."""
        return self.status in (Status.QUEUED, Status.RUNNING) and now >= self.deadline_at


def upstream_ids(task: Task) -> frozenset[str]:
    """Kie's ids of a task's results and earlier attempts, if any; a bounded number of them."""
    results = (source.upstream_id for source in task.sources[:_MOST_NAMED_RESULTS])
    attempts = (attempt.upstream_task_id for attempt in task.attempts)
    return frozenset(one for one in (*results, *attempts) if one)
