"""Models as callers see them."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from kie_gateway.web.schemas import ModelFamily, ModelKind, ResponseBody


class ModelStatus(StrEnum):
    """`unlisted` models work, although Kie.ai no longer lists them; `retired` ones do not."""

    CURRENT = "current"
    UNLISTED = "unlisted"
    RETIRED = "retired"


class TimeSource(StrEnum):
    """Where a typical time comes from: measured, reported by others, or an estimate."""

    LIVE = "live"
    REPORTED = "reported"
    PRIOR = "prior"


class Confidence(StrEnum):
    """
    Where the facts about a model come from.

    `doc`: Kie.ai's documentation; `live`: answers of Kie.ai; `many`, `one`: several public clients,
    or a single one; `inf`: inferred from similar models.
    """

    DOC = "doc"
    LIVE = "live"
    MANY = "many"
    ONE = "one"
    INFERRED = "inf"


class ModelCredits(ResponseBody):
    """What a model costs."""

    text: str = Field(description="The price in Kie.ai's words.")
    rule: dict[str, Any] | None = Field(
        description="How the cost of a task is estimated; null if it cannot be."
    )


class ObservedTimes(ResponseBody):
    """How long this gateway's own tasks took, in seconds."""

    count: int = Field(description="How many tasks were observed.")
    p50: float
    p80: float
    p95: float
    p99: float


class ModelSummary(ResponseBody):
    """A model of the catalogue."""

    id: str
    object: Literal["model"] = "model"
    title: str
    family: ModelFamily
    kind: ModelKind
    task: str = Field(description="What the model is mostly used for, such as `text_to_image`.")
    tasks: list[str] = Field(description="Everything that the model does.")
    status: ModelStatus
    typical_seconds: float = Field(description="Median duration of a task.")
    credits: ModelCredits
    aliases: list[str] = Field(description="Other names that the gateway accepts.")


class Model(ModelSummary):
    """A model with everything that is known about it."""

    input_schema: dict[str, Any] = Field(description="JSON Schema of a task's `input`.")
    defaults: dict[str, Any] = Field(
        description="Values that are filled in for required fields that a caller leaves out."
    )
    typical_source: TimeSource
    observed: ObservedTimes | None = Field(description="Null until enough tasks have ended.")
    confidence: Confidence
    page: str | None = Field(description="Where Kie.ai documents the model.")


class ModelList(ResponseBody):
    """The models of the catalogue, by id."""

    object: Literal["list"] = "list"
    data: list[ModelSummary]
