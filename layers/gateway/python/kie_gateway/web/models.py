"""Requests and answers of the HTTP API, as callers see them and as OpenAPI describes them."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    Strict,
    StringConstraints,
    field_validator,
    model_validator,
)

from kie_gateway.core.api_key import OWNER_PATTERN, Scope
from kie_gateway.core.retention import LONGEST_DAYS
from kie_gateway.core.task import Attention, Category, CompletedBy, Status
from kie_gateway.core.upload import EXTENSIONS, LARGEST_BYTES

# Ids look like `google/nano-banana` or `gpt-image-2-text-to-image`; new ones appear weekly.
MODEL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}$"
LONGEST_DEADLINE_SECONDS = 604_800
LARGEST_METADATA_KEYS = 50
LARGEST_METADATA_BYTES = 16_384


def _small(metadata: dict[str, JsonValue]) -> dict[str, JsonValue]:
    size = len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LARGEST_METADATA_BYTES:
        raise ValueError(f"must have {LARGEST_METADATA_BYTES} bytes at most as JSON, not {size}")
    return metadata


# Comes back with every list of tasks, so it must not grow like an input.
type Metadata = Annotated[
    dict[str, JsonValue],
    Field(max_length=LARGEST_METADATA_KEYS),
    AfterValidator(_small),
]
type ModelId = Annotated[str, StringConstraints(pattern=MODEL_PATTERN, max_length=100)]


class CreateTask(BaseModel):
    """A task to create."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "model": "google/nano-banana",
                    "input": {"prompt": "a red kite over a lake", "aspect_ratio": "16:9"},
                    "metadata": {"user": "42"},
                }
            ]
        },
    )

    model: ModelId = Field(description="Kie.ai's model id. New models work without an update.")
    input: dict[str, JsonValue] = Field(
        description="The model's input, handed on as it is; defaults of required fields are added."
    )
    metadata: Metadata = Field(
        default_factory=dict,
        description="Anything of yours, up to 16 KiB as JSON; comes back with the task.",
    )
    deadline_seconds: int | None = Field(
        default=None,
        ge=10,
        le=LONGEST_DEADLINE_SECONDS,
        description="How long to wait for a verdict before the task expires.",
    )

    retention_days: int | None = Field(
        default=None,
        ge=1,
        le=LONGEST_DAYS,
        description="Days to keep the files; left out, as this deployment is set up.",
    )

    checked: bool = Field(
        default=True,
        alias="validate",
        description="Whether the input of a known model is checked before Kie.ai is asked.",
    )

    check_inputs: bool = Field(
        default=False,
        description="Whether the links in the input are tried first, which takes up to 8 s. A link"
        " that surely leads to no file (a page, nothing, a private address) is refused with 422.",
    )

    @field_validator("input")
    @classmethod
    def _no_callback_of_its_own(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if "callBackUrl" in value:
            raise ValueError("callBackUrl is set by the gateway; leave it out")
        return value


class CreateUpload(BaseModel):
    """A file that a task's input shall name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    content_type: str = Field(description="Its exact type, such as image/png.")
    bytes: int = Field(ge=1, le=LARGEST_BYTES, description="Its exact size.")

    @field_validator("content_type")
    @classmethod
    def _is_taken(cls, value: str) -> str:
        if value not in EXTENSIONS:
            raise ValueError(f"must be one of {', '.join(EXTENSIONS)}")
        return value


class UploadFormBody(BaseModel):
    """Where and how to send the file: as multipart/form-data, fields first, the file last."""

    method: Literal["POST"] = "POST"
    url: str
    fields: dict[str, str]


class UploadBody(BaseModel):
    """An upload that waits for its file."""

    id: str
    object: Literal["upload"] = "upload"
    content_type: str
    bytes: int
    reference: str = Field(description="Use it in a task's input, in the place of a link.")
    upload: UploadFormBody
    expires_at: datetime = Field(description="Until when the form takes the file.")
    delete_at: datetime = Field(description="When the file is deleted.")


class ImportItem(BaseModel):
    """Work to adopt: a task of Kie.ai by its id, or a link to a result."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: ModelId = Field(description="What made it, as in a new task.")
    upstream_task_id: str | None = Field(default=None, min_length=1, max_length=100)
    url: str | None = Field(default=None, min_length=1, max_length=8192)
    metadata: Metadata = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.upstream_task_id is None) == (self.url is None):
            raise ValueError("give either upstream_task_id or url")
        return self


class ImportTasks(BaseModel):
    """Up to a hundred pieces of work to adopt; each is judged by itself."""

    model_config = ConfigDict(extra="forbid", strict=True)

    items: list[dict[str, JsonValue]] = Field(
        min_length=1,
        max_length=100,
        description="Each with `model`, and `upstream_task_id` or `url`; `metadata` as you like.",
    )


class UpstreamBody(BaseModel):
    """What Kie.ai said of the task."""

    task_id: str | None = Field(description="Kie.ai's id.")
    state: str | None = Field(description="Kie.ai's word for its state.")
    code: str | None
    message: str | None
    facts: dict[str, Any] = Field(description="What else Kie.ai told of the result, such as seeds.")


class OutputBody(BaseModel):
    """A stored result."""

    index: int
    media: str = Field(description="image, video, audio, text, archive or other.")
    content_type: str = Field(description="Judged by the bytes.")
    bytes: int
    sha256: str
    width: int | None
    height: int | None
    duration_seconds: float | None
    animated: bool | None = Field(description="Whether a picture moves.")
    upstream_id: str | None = Field(
        description="Kie.ai's own id of it, by which follow-ups name it: a track's audioId."
    )
    url: str | None = Field(
        description="A link for an hour, null once deleted. urls.self always has a fresh one."
    )
    deleted_at: datetime | None = Field(description="Since when the file is gone.")


class MissingOutputBody(BaseModel):
    """A result that is not stored."""

    index: int = Field(description="Among the outputs, in Kie.ai's order.")
    reason: str


class ErrorBody(BaseModel):
    """Why the task failed, or why its results could not be stored."""

    code: str
    category: Category
    message: str = Field(description="Kie.ai's words where there are any.")
    retryable: bool = Field(
        description="Whether a new task with the same input may succeed. Of storage_failed: "
        "whether a refresh may; it copies again, and a new task would be paid again."
    )


class CreditsBody(BaseModel):
    """What the task costs, in credits of Kie.ai."""

    estimated: float | None
    charged: float | None


class UrlsBody(BaseModel):
    """Where to go from here."""

    self: str
    cancel: str
    refresh: str
    events: str


class TaskBody(BaseModel):
    """A task."""

    id: str
    object: Literal["task"] = "task"
    status: Status
    attention: Attention | None = Field(description="Why a person should look at the task.")
    model: str
    family: str
    kind: str
    input: dict[str, Any]
    input_truncated: bool = Field(
        description="Whether `input` is an excerpt: lists show one of an input over 4 KiB."
    )
    metadata: dict[str, Any]
    upstream: UpstreamBody
    outputs: list[OutputBody]
    missing_outputs: list[MissingOutputBody] = Field(
        description="Results that could not be copied (yet), or that Kie.ai never delivered."
    )
    previews: list[OutputBody] = Field(
        description="Files that Kie.ai named and that are far below what was asked for."
    )
    error: ErrorBody | None
    credits: CreditsBody
    completed_by: CompletedBy | None = Field(description="Which way the verdict came.")
    parent_id: str | None
    batch_id: str | None
    retry_of: str | None
    created_at: datetime
    expected_at: datetime | None = Field(
        description="When the turn of a queued task comes, as Kie.ai takes so many in a time."
    )
    submitted_at: datetime | None
    upstream_completed_at: datetime | None
    completed_at: datetime | None
    deadline_at: datetime
    urls: UrlsBody


class CreateKey(BaseModel):
    """A key to make."""

    model_config = ConfigDict(extra="forbid", strict=True)

    owner: Annotated[str, StringConstraints(pattern=f"^{OWNER_PATTERN}$")] = Field(
        description="Whose tasks the key creates and sees."
    )
    name: str = Field(min_length=1, max_length=100, description="What the key is for.")
    scopes: list[Annotated[Scope, Strict(strict=False)]] = Field(
        default=[Scope.TASKS_READ, Scope.TASKS_WRITE], min_length=1
    )
    expires_in_days: int | None = Field(default=None, ge=1, le=3650)
    requests_per_minute: int | None = Field(
        default=None,
        ge=0,
        description="Counted by itself, other than its owner's; 0 allows any number.",
    )
    tasks_at_once: int | None = Field(
        default=None,
        ge=0,
        description="How many tasks its owner may have open; null and 0 as above.",
    )


class KeyBody(BaseModel):
    """A key of a caller."""

    id: str
    object: Literal["key"] = "key"
    owner: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To the hour.")
    requests_per_minute: int | None
    tasks_at_once: int | None


class IssuedKeyBody(KeyBody):
    """A key with its secret, which is shown only now."""

    secret: str


class StopCreations(BaseModel):
    """A stop of new tasks."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str = Field(
        min_length=1, max_length=200, description="What callers are told who want a task."
    )


class KeyListBody(BaseModel):
    """A page of keys."""

    object: Literal["list"] = "list"
    data: list[KeyBody]
    has_more: bool
    next_cursor: str | None


class ModelCreditsBody(BaseModel):
    """What a model costs."""

    text: str = Field(description="As Kie.ai writes it.")
    rule: dict[str, Any] | None = Field(description="How tasks are estimated; null: not at all.")


class ObservedBody(BaseModel):
    """Times of this deployment's own tasks, in seconds."""

    count: int
    p50: float
    p80: float
    p95: float
    p99: float


class ModelSummaryBody(BaseModel):
    """A model of the catalogue."""

    id: str
    object: Literal["model"] = "model"
    title: str
    family: str
    kind: str = Field(description="What it makes; data: facts for programs.")
    task: str = Field(description="What it is mostly used for.")
    tasks: list[str] = Field(description="All that it does.")
    status: str
    typical_seconds: float
    credits: ModelCreditsBody
    aliases: list[str]


class ModelBody(ModelSummaryBody):
    """A model with everything that is known of it."""

    input_schema: dict[str, Any] = Field(description="JSON Schema of a task's input.")
    defaults: dict[str, Any] = Field(description="Filled in where left out.")
    typical_source: str = Field(description="live, reported, or prior: a guess by its class.")
    observed: ObservedBody | None = Field(description="null until there are enough tasks.")
    confidence: str = Field(description="How sure the facts are: doc, live, many, one or inf.")
    page: str | None


class ModelListBody(BaseModel):
    """Models of the catalogue, by id."""

    object: Literal["list"] = "list"
    data: list[ModelSummaryBody]


class OutputOfTaskBody(OutputBody):
    """A stored result with the task it belongs to."""

    object: Literal["output"] = "output"
    task_id: str
    model: str
    metadata: dict[str, Any]
    created_at: datetime


class OutputListBody(BaseModel):
    """A page of files, those of the newest task first."""

    object: Literal["list"] = "list"
    data: list[OutputOfTaskBody]
    has_more: bool
    next_cursor: str | None


class TaskListBody(BaseModel):
    """A page of tasks."""

    object: Literal["list"] = "list"
    data: list[TaskBody]
    has_more: bool
    next_cursor: str | None


class ImportResultBody(BaseModel):
    """What became of one item: 201 adopted, 200 known before, or a problem."""

    index: int
    status: int
    task: TaskBody | None
    problem: dict[str, Any] | None


class ImportListBody(BaseModel):
    """What became of each item, in order."""

    object: Literal["list"] = "list"
    data: list[ImportResultBody]


class EventBody(BaseModel):
    """One entry of a task's timeline."""

    type: str
    at: datetime
    message: str
    facts: dict[str, Any]


class EventListBody(BaseModel):
    """The timeline of a task, oldest first."""

    object: Literal["list"] = "list"
    data: list[EventBody]


class HealthBody(BaseModel):
    """The gateway answers."""

    status: Literal["ok"] = "ok"
    version: str


class ProblemFieldBody(BaseModel):
    """One wrong field."""

    pointer: str
    detail: str


class ProblemBody(BaseModel):
    """Trouble, as RFC 9457 tells it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    request_id: str
    errors: list[ProblemFieldBody]
