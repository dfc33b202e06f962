"""What callers send to create tasks, as the API's document describes it."""

import json
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    JsonValue,
    Strict,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from kie_gateway.core.credits.task_credits import MOST_CREDITS
from kie_gateway.core.events.event_type import EventType
from kie_gateway.core.files.retention import LONGEST_DAYS
from kie_gateway.core.groups.task_spec import MOST_TASKS
from kie_gateway.web.schemas import LONGEST_URL, RequestBody

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
ModelId = Annotated[str, StringConstraints(pattern=MODEL_PATTERN, max_length=100)]


def _no_callback_of_its_own(task_input: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if "callBackUrl" in task_input:
        raise ValueError("callBackUrl is set by the gateway; leave it out")
    return task_input


ModelInput = Annotated[dict[str, JsonValue], AfterValidator(_no_callback_of_its_own)]


# What a field is that was not sent, and what it becomes where a recipe takes its place.
_NOTHING: Any = object()
_STAND_INS: dict[str | None, Any] = {"model": "recipe", "input": {}}


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


def _of_a_task(type_: EventType) -> EventType:
    if not type_.startswith("task."):
        listed = ", ".join(one for one in EventType if one.startswith("task."))
        raise ValueError(f"is no event of a task; must be one of {listed}")
    return type_


class NewTaskWebhook(RequestBody):
    """Where to send the events of a task."""

    url: str = Field(
        min_length=1,
        max_length=LONGEST_URL,
        description="Where events are sent: an absolute https address of a public host.",
    )
    events: list[Annotated[EventType, Strict(strict=False), AfterValidator(_of_a_task)]] = Field(
        default_factory=list,
        max_length=len(EventType),
        description="The types of events to send. By default, and if it is empty, all of the task.",
    )


class TaskBody(RequestBody):
    """What a task is to be made of."""

    # Before the fields that it takes the place of.
    recipe: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="A recipe, which chooses model and input; `GET /v1/recipes` lists the recipes.",
    )
    params: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="The params of the recipe; `GET /v1/recipes/{name}` has their schema.",
    )
    model: ModelId = Field(
        default_factory=lambda: _NOTHING,
        validate_default=True,
        description="Kie.ai's model id. Models that are newer than the catalogue work as well."
        " Required, with `input`, unless there is a `recipe`.",
    )
    input: ModelInput = Field(
        default_factory=lambda: _NOTHING,
        validate_default=True,
        description="The model's input; `GET /v1/models/{model_id}` has its schema. Defaults of"
        " required fields are filled in. Links may point to public files or be references from"
        " `POST /v1/uploads`.",
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

    webhook: NewTaskWebhook | None = Field(
        default=None,
        description="Where to send the events of this task, besides your webhook endpoints. The"
        " response shows the secret that signs them, until you rotate it.",
    )

    @field_validator("model", "input", mode="before")
    @classmethod
    def _unless_there_is_a_recipe(cls, value: Any, info: ValidationInfo) -> Any:
        """Let nothing stand for a model and its input if a recipe chooses them."""
        if value is not _NOTHING:
            return value
        if info.data.get("recipe") is None:
            raise PydanticCustomError("missing", "required")
        return _STAND_INS[info.field_name]


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
