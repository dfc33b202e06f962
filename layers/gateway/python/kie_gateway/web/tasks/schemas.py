"""Tasks as callers see them, and as the API's document describes them."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from kie_gateway.core.credits.task_credits import MOST_CREDITS
from kie_gateway.core.failure import Category
from kie_gateway.core.files.retention import LONGEST_DAYS
from kie_gateway.core.groups.group_status import GroupStatus
from kie_gateway.core.groups.task_spec import MOST_TASKS
from kie_gateway.core.task import Attention, CompletedBy, Status
from kie_gateway.core.timeline import Happened
from kie_gateway.web.outputs.schemas import MissingOutput, Output
from kie_gateway.web.schemas import ModelFamily, ModelKind, Page, RequestBody, ResponseBody

# Ids look like `google/nano-banana` or `gpt-image-2-text-to-image`; new ones appear weekly.
MODEL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}$"
LONGEST_DEADLINE_SECONDS = 604_800
LARGEST_METADATA_KEYS = 50
MOST_ALTERNATIVES = 3
LARGEST_METADATA_BYTES = 16_384
LONGEST_COVER_PROMPT = 5000
SMALLEST_COVER_SIDE, LARGEST_COVER_SIDE = 64, 4096


def _small(metadata: dict[str, JsonValue]) -> dict[str, JsonValue]:
    size = len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LARGEST_METADATA_BYTES:
        raise ValueError(f"must not exceed {LARGEST_METADATA_BYTES} bytes as JSON; it has {size}")
    return metadata


# Comes back with every list of tasks, so it must not grow like an input. No `type` statements:
# their names would stand in the API's document.
Metadata = Annotated[
    dict[str, JsonValue],
    Field(max_length=LARGEST_METADATA_KEYS),
    AfterValidator(_small),
]
ChildName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
AttemptStatus = Literal[
    "refused", "queued", "running", "storing", "succeeded", "failed", "canceled", "expired"
]
ModelId = Annotated[str, StringConstraints(pattern=MODEL_PATTERN, max_length=100)]


def _no_callback_of_its_own(task_input: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if "callBackUrl" in task_input:
        raise ValueError("callBackUrl is set by the gateway; leave it out")
    return task_input


ModelInput = Annotated[dict[str, JsonValue], AfterValidator(_no_callback_of_its_own)]


class Fallback(RequestBody):
    """A model to try if those before it come to nothing."""

    model: ModelId = Field(description="Kie.ai's model id.")
    input: ModelInput | None = Field(
        default=None,
        description="The model's input. By default, the input of the task, read for this model.",
    )


class Cover(RequestBody):
    """A picture for a track."""

    min_width: int = Field(
        ge=SMALLEST_COVER_SIDE,
        le=LARGEST_COVER_SIDE,
        description="The smallest width that will do, in pixels.",
    )
    min_height: int = Field(
        ge=SMALLEST_COVER_SIDE,
        le=LARGEST_COVER_SIDE,
        description="The smallest height that will do, in pixels.",
    )
    model: ModelId | None = Field(
        default=None,
        description="The model that makes the picture, one that needs no more than a prompt. By"
        " default, that of the recipe `track-cover`.",
    )
    prompt: str | None = Field(
        default=None,
        min_length=1,
        max_length=LONGEST_COVER_PROMPT,
        description="What the picture is to show. By default, what the track was made from. It may"
        " hold placeholders such as `{{result.title}}`.",
    )


class TaskBody(RequestBody):
    """What a task is to be made of."""

    model: ModelId | None = Field(
        default=None,
        description="Kie.ai's model id. Models that are newer than the catalogue work as well."
        " Required, with `input`, unless there is a `recipe`.",
    )
    input: ModelInput | None = Field(
        default=None,
        description="The model's input; `GET /v1/models/{model_id}` has its schema. Defaults of"
        " required fields are filled in. Links may point to public files or be references from"
        " `POST /v1/uploads`.",
    )
    recipe: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="A recipe, which chooses model and input; `GET /v1/recipes` lists the recipes.",
    )
    params: dict[str, JsonValue] | None = Field(
        default=None,
        description="The params of the recipe; `GET /v1/recipes/{name}` has their schema.",
    )
    metadata: Metadata = Field(
        default_factory=dict,
        description="Your own data, up to 50 keys and 16 KiB as JSON. It is returned with the"
        " task.",
    )
    deadline_seconds: int | None = Field(
        default=None,
        ge=10,
        le=LONGEST_DEADLINE_SECONDS,
        description="How long to wait for a result before the task expires. By default, as the"
        " gateway is configured.",
    )
    retention_days: int | None = Field(
        default=None,
        ge=1,
        le=LONGEST_DAYS,
        description="How many days to keep the files. By default, as the gateway is configured.",
    )
    checked: bool = Field(
        default=True,
        alias="validate",
        description="Whether the input of a model in the catalogue is checked before Kie.ai is"
        " called. The default is true.",
    )
    then: list["ChildTask"] = Field(
        default_factory=list,
        max_length=MOST_TASKS,
        description="Tasks to create once this one has succeeded. Their inputs may contain"
        " placeholders such as `{{outputs[0].url}}` or `{{input.prompt}}`, which are filled in from"
        " this task. A group has at most 20 tasks, on at most three levels below the first.",
    )
    together: list["ChildTask"] = Field(
        default_factory=list,
        max_length=MOST_TASKS,
        alias="with",
        description="Tasks to create at the same time as this one. Their inputs may contain"
        " placeholders such as `{{input.prompt}}`, which are filled in from this task.",
    )
    fallback: list[Fallback] = Field(
        default_factory=list,
        max_length=MOST_ALTERNATIVES,
        description="Up to three models to try in order, each if the one before was refused,"
        " paused or retired, or failed for a reason that is not the input. Nothing else is tried"
        " while it is unknown whether Kie.ai is at work.",
    )
    max_credits: float | None = Field(
        default=None,
        ge=0,
        le=MOST_CREDITS,
        description="How much all attempts together may cost, by their estimates. A model of"
        " `fallback` that would exceed it is not tried. By default, there is no limit.",
    )

    cover: Cover | None = Field(
        default=None,
        description="For music: the picture that the track shall have. If the track comes without a"
        " picture of that size, a task named `cover` makes one once the track is there; a smaller"
        " picture is kept in `previews`, and a large one is the last of `outputs`.",
    )


class CreateTask(TaskBody):
    """A task to create."""

    check_inputs: bool = Field(
        default=False,
        description="Whether to check the links in the input first, which takes up to 8 seconds."
        " A link that certainly leads to no file (a web page, nothing, a private address) is"
        " refused with 422. The default is false.",
    )


class ChildTask(TaskBody):
    """A task that belongs to another one."""

    name: ChildName | None = Field(
        default=None,
        description="A name that no sibling has. By default, `then-0`, `with-1` and so on.",
    )
    required: bool = Field(
        default=True,
        description="Whether the group fails if this task does not succeed. If an optional task"
        " does not succeed, the group is `partial`. The default is true.",
    )


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


class Task(ResponseBody):
    """A task, from the request to the stored files."""

    id: str
    object: Literal["task"] = "task"
    status: Status
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
    created_at: datetime
    expected_at: datetime | None = Field(
        description="When a queued task is expected to be sent to Kie.ai; null for all others."
    )
    submitted_at: datetime | None = Field(description="When Kie.ai accepted the task.")
    upstream_completed_at: datetime | None = Field(description="When Kie.ai finished the task.")
    completed_at: datetime | None = Field(description="When the task ended.")
    deadline_at: datetime = Field(description="When the task expires without a result.")
    urls: TaskUrls


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
