"""Tasks as callers see them, and as the API's document describes them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from kie_gateway.core.events.event_type import EventType
from kie_gateway.core.failure import Category
from kie_gateway.core.groups.group_status import GroupStatus
from kie_gateway.core.task import Attention, CompletedBy, Status
from kie_gateway.core.timeline import Happened
from kie_gateway.web.outputs.schemas import MissingOutput, Output
from kie_gateway.web.schemas import ModelFamily, ModelKind, Page, ResponseBody

AttemptStatus = Literal[
    "refused", "queued", "running", "storing", "succeeded", "failed", "canceled", "expired"
]


class Upstream(ResponseBody):
    """What Kie.ai reports about the task."""

    task_id: str | None = Field(description="Kie.ai's id of the task.")
    state: str | None = Field(description="Kie.ai's word for its state.")
    code: str | None = Field(description="Kie.ai's error code.")
    message: str | None = Field(description="Kie.ai's error message.")
    facts: dict[str, Any] = Field(
        description="What else Kie.ai reported about the result, such as seeds."
    )


class TaskError(ResponseBody):
    """Why the task failed, or why its results could not be stored."""

    code: str = Field(description="Kie.ai's error code, or a word of the gateway's.")
    category: Category
    message: str = Field(description="Kie.ai's own words where there are any.")
    retryable: bool = Field(
        description="Whether a new task with the same input may succeed. For `storage_failed`:"
        " whether a refresh may succeed; it copies the files again, while a new task would be"
        " charged again."
    )


class TaskCredits(ResponseBody):
    """What the task costs, in Kie.ai's credits."""

    estimated: float | None = Field(description="Null if the price is unknown.")
    charged: float | None = Field(description="Null until Kie.ai has reported the price.")


class Attempt(ResponseBody):
    """A model that the task was tried with."""

    model: str = Field(description="Kie.ai's model id.")
    status: AttemptStatus = Field(
        description="`refused` if Kie.ai did not accept the creation, `failed` if it accepted it"
        " and failed. The last attempt otherwise has the status of the task."
    )
    error: TaskError | None = Field(description="Why it came to nothing.")
    credits: float | None = Field(
        description="What was charged for it; null until Kie.ai has reported the price."
    )


class TaskUrls(ResponseBody):
    """Where to go from here."""

    self: str
    cancel: str
    refresh: str
    events: str


class ChildStatus(StrEnum):
    """Where a child stands: `pending` and `skipped` ones are no tasks (yet)."""

    PENDING = "pending"
    SKIPPED = "skipped"
    QUEUED = "queued"
    RUNNING = "running"
    STORING = "storing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class Child(ResponseBody):
    """A task that belongs to this one."""

    name: str
    id: str | None = Field(description="Null until the task is created.")
    status: ChildStatus = Field(
        description="The status of the task; `pending` before it is created, `skipped` if it is not"
        " needed or will never be created."
    )
    required: bool = Field(description="Whether the group fails if it does not succeed.")


class RecipeVersion(ResponseBody):
    """The recipe that a task was made with."""

    name: str
    version: int


class TaskWebhook(ResponseBody):
    """Where the events of a task are sent."""

    url: str
    events: list[EventType] = Field(description="The types of events to send; empty for all.")


class IssuedTaskWebhook(TaskWebhook):
    """Where the events of a new task are sent, and what signs them."""

    secret: str | None = Field(
        description="Signs the webhooks of all your tasks, as Standard Webhooks describes it. Null"
        " once it was rotated; only `POST /v1/webhook-endpoints/per-task/rotate-secret` shows the"
        " new one."
    )


class Task(ResponseBody):
    """A task, from the request to the stored files."""

    id: str
    object: Literal["task"] = "task"
    status: Status
    progress: float | None = Field(
        ge=0,
        le=1,
        description="How much of the task is done, by the time that its model usually takes. It"
        " never decreases, and is 1 only if the task has succeeded; null if nobody can say, as for"
        " a task that has failed.",
    )
    expected_at: datetime | None = Field(
        description="When the task is expected to end, its time in the submit queue included. The"
        " moment is postponed while the task takes longer; null once it has ended, or if nobody can"
        " say."
    )
    attention: Attention | None = Field(
        description="Why a person should look at the task; null if nobody needs to."
    )
    model: str = Field(
        description="Kie.ai's id of the model that delivered, or is being tried now."
    )
    family: ModelFamily
    kind: ModelKind
    input: dict[str, Any] = Field(description="The model's input.")
    input_truncated: bool = Field(
        description="Whether `input` is an excerpt. Lists show an excerpt of an input that is"
        " larger than 4 KiB."
    )
    metadata: dict[str, Any] = Field(description="Your own data.")
    upstream: Upstream
    outputs: list[Output] = Field(description="The stored results, in Kie.ai's order.")
    missing_outputs: list[MissingOutput] = Field(
        description="Results that are not stored: they could not be copied (yet), or Kie.ai never"
        " delivered them."
    )
    previews: list[Output] = Field(
        description="Stored files that are far smaller than what was requested, and so do not"
        " count as results."
    )
    error: TaskError | None = Field(description="Null unless something went wrong.")
    credits: TaskCredits
    attempts: list[Attempt] = Field(
        description="The models that the task was tried with, in order; the last one is `model`."
        " Without `fallback`, there is one."
    )
    max_credits: float | None = Field(
        description="How much all attempts together may cost; null if there is no limit."
    )
    completed_by: CompletedBy | None = Field(
        description="How the gateway learned of the result; null until it has."
    )
    recipe: RecipeVersion | None = Field(
        description="The recipe that chose model and input; null without one."
    )
    parent_id: str | None = Field(
        description="The task that this one belongs to; null if there is none."
    )
    children: list[Child] = Field(description="Tasks that belong to this one, in order.")
    group_status: GroupStatus | None = Field(
        description="Where the task and all its descendants stand; null without children."
        " `running` until all of them have ended; then `succeeded` if all have succeeded, `partial`"
        " if only optional ones have not, and `failed` otherwise."
    )
    batch_id: str | None = Field(
        description="The batch that the task belongs to; null if there is none."
    )
    retry_of: str | None = Field(description="The failed task that this one repeats.")
    webhook: TaskWebhook | None = Field(
        description="Where its events are sent, besides your webhook endpoints; null if nowhere."
    )
    created_at: datetime
    submitted_at: datetime | None = Field(description="When Kie.ai accepted the task.")
    upstream_completed_at: datetime | None = Field(description="When Kie.ai finished the task.")
    completed_at: datetime | None = Field(description="When the task ended.")
    deadline_at: datetime = Field(description="When the task expires without a result.")
    urls: TaskUrls


class CreatedTask(Task):
    """A task as the request that creates it returns it."""

    webhook: IssuedTaskWebhook | None = Field(
        description="Where its events are sent, besides your webhook endpoints; null if nowhere."
    )


class TaskList(Page):
    """A page of tasks."""

    data: list[Task]


class Event(ResponseBody):
    """One entry of a task's timeline."""

    type: Happened
    at: datetime
    message: str = Field(description="What happened, for people.")
    facts: dict[str, Any] = Field(description="Details, for programs.")


class EventList(ResponseBody):
    """The timeline of a task, oldest entry first."""

    object: Literal["list"] = "list"
    data: list[Event]
