"""Outputs as callers see them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from kie_gateway.web.schemas import Media, Page, ResponseBody


class Output(ResponseBody):
    """A stored file."""

    index: int = Field(description="Position among the results, from 0, in Kie.ai's order.")
    media: Media
    content_type: str = Field(description="Media type, judged by the bytes.")
    bytes: int
    sha256: str = Field(description="Lower-case hexadecimal.")
    width: int | None = Field(description="Pixels; null if not applicable or unknown.")
    height: int | None = Field(description="Pixels; null if not applicable or unknown.")
    duration_seconds: float | None = Field(description="Null if not applicable or unknown.")
    animated: bool | None = Field(description="Whether an image moves; null for other media.")
    upstream_id: str | None = Field(
        description="Kie.ai's own id of the result, which follow-up tasks refer to, such as the"
        " `audioId` of a track."
    )
    url: str | None = Field(
        description="A link that is valid for an hour and needs no key; null once the file is"
        " deleted. Read the task again for a fresh link."
    )
    permalink: str | None = Field(
        description="A link that needs no key and lives as long as the file: whoever has it may"
        " read the file. `?w=320` opens a thumbnail, `?download=1` saves the file. Null once the"
        " file is deleted, or where permalinks are switched off."
    )
    deleted_at: datetime | None = Field(description="When the file was deleted.")


class MissingOutput(ResponseBody):
    """A result that is not stored."""

    index: int = Field(description="Position among the results, from 0, in Kie.ai's order.")
    reason: str


class OutputOfTask(Output):
    """A stored file with the task it belongs to."""

    object: Literal["output"] = "output"
    task_id: str
    model: str
    metadata: dict[str, Any] = Field(description="The task's own metadata.")
    created_at: datetime = Field(description="When the task was created.")


class OutputList(Page):
    """A page of files; those of the newest task come first."""

    data: list[OutputOfTask]
