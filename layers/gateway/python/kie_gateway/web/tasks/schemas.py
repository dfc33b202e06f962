"""Tasks as callers see them, and as the API's document describes them."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, field_validator

from kie_gateway.core.failure import Category
from kie_gateway.core.files.retention import LONGEST_DAYS
from kie_gateway.core.task import Attention, CompletedBy, Status
from kie_gateway.core.timeline import Happened
from kie_gateway.web.outputs.schemas import MissingOutput, Output
from kie_gateway.web.schemas import ModelFamily, ModelKind, Page, RequestBody, ResponseBody

# Ids look like `google/nano-banana` or `gpt-image-2-text-to-image`; new ones appear weekly.
MODEL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}$"
LONGEST_DEADLINE_SECONDS = 604_800
LARGEST_METADATA_KEYS = 50
LARGEST_METADATA_BYTES = 16_384


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
ModelId = Annotated[str, StringConstraints(pattern=MODEL_PATTERN, max_length=100)]


class CreateTask(RequestBody):
    """A task to create."""

    model: ModelId = Field(
        description="Kie.ai's model id. Models that are newer than the catalogue work as well."
    )
    input: dict[str, JsonValue] = Field(
        description="The model's input; `GET /v1/models/{model_id}` has its schema. Defaults of"
        " required fields are filled in. Links may point to public files or be references from"
        " `POST /v1/uploads`."
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
    check_inputs: bool = Field(
        default=False,
        description="Whether to check the links in the input first, which takes up to 8 seconds."
        " A link that certainly leads to no file (a web page, nothing, a private address) is"
        " refused with 422. The default is false.",
    )

    @field_validator("input")
    @classmethod
    def _no_callback_of_its_own(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if "callBackUrl" in value:
            raise ValueError("callBackUrl is set by the gateway; leave it out")
        return value


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


class TaskUrls(ResponseBody):
    """Where to go from here."""

    self: str
    cancel: str
    refresh: str
    events: str


class Task(ResponseBody):
    """A task, from the request to the stored files."""

    id: str
    object: Literal["task"] = "task"
    status: Status
    attention: Attention | None = Field(
        description="Why a person should look at the task; null if nobody needs to."
    )
    model: str = Field(description="Kie.ai's model id.")
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
    completed_by: CompletedBy | None = Field(
        description="How the gateway learned of the result; null until it has."
    )
    parent_id: str | None = Field(description="The task that this one belongs to.")
    batch_id: str | None = Field(description="The batch that the task belongs to.")
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
