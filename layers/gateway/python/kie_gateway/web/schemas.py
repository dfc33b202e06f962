"""What the schemas of several resources share."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kie_gateway.core.callers.api_key import OWNER_PATTERN
from kie_gateway.web.problem_types import ProblemCode

LONGEST_URL = 2048
# No `type` statement: its name would stand in the API's document.
Owner = Annotated[str, StringConstraints(pattern=f"^{OWNER_PATTERN}$")]


class RequestBody(BaseModel):
    """Base of what callers send: unknown fields are refused, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ResponseBody(BaseModel):
    """Base of what callers receive: every field is always there."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Page(ResponseBody):
    """Base of lists that are read page by page."""

    object: Literal["list"] = "list"
    has_more: bool = Field(description="Whether there is another page.")
    next_cursor: str | None = Field(
        description="Send it as `cursor` to read the next page; null on the last page."
    )


class ModelKind(StrEnum):
    """What a model makes; `data` is structured information for programs."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    DATA = "data"


class ModelFamily(StrEnum):
    """Which of Kie.ai's APIs a model belongs to; most models belong to `market`."""

    MARKET = "market"
    GPT4O = "gpt4o"
    FLUX_KONTEXT = "flux_kontext"
    SUNO = "suno"
    VEO = "veo"
    RUNWAY = "runway"
    ALEPH = "aleph"
    LUMA = "luma"
    MIDJOURNEY = "midjourney"


class Media(StrEnum):
    """What kind of file an output is, judged by its bytes."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    ARCHIVE = "archive"
    OTHER = "other"


class ProblemError(ResponseBody):
    """One field, parameter or header that is wrong."""

    pointer: str = Field(
        description="JSON Pointer (RFC 6901) into the request body, or `/` and the name of a"
        " parameter or header."
    )
    detail: str = Field(description="What is expected instead.")


class Problem(ResponseBody):
    """An error, described as RFC 9457 defines it."""

    type: str = Field(
        description="Address of a page that explains this kind of problem.",
        json_schema_extra={"format": "uri"},
    )
    title: str = Field(description="Short summary of the kind of problem.")
    status: int = Field(description="HTTP status code.")
    detail: str = Field(description="What went wrong this time.")
    code: ProblemCode
    retryable: bool = Field(description="Whether the same request may succeed later.")
    request_id: str = Field(description="Quote it when you report the problem.")
    errors: list[ProblemError] = Field(description="Every wrong field; empty for other problems.")
