"""Uploads as callers see them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, Strict

from kie_gateway.core.inputs.upload import EXTENSIONS, LARGEST_BYTES
from kie_gateway.web.schemas import RequestBody, ResponseBody

# mypy knows only members that are written out.
UploadContentType = StrEnum(  # type: ignore[misc]
    "UploadContentType", {content_type: content_type for content_type in EXTENSIONS}
)


class CreateUpload(RequestBody):
    """An input file to upload."""

    content_type: Annotated[UploadContentType, Strict(strict=False)] = Field(
        description="The exact media type of the file."
    )
    bytes: int = Field(ge=1, le=LARGEST_BYTES, description="The exact size of the file.")


class UploadForm(ResponseBody):
    """Where and how to send the file: as multipart/form-data, with the fields before the file."""

    method: Literal["POST"] = "POST"
    url: str
    fields: dict[str, str] = Field(description="Send all of them, then the file as `file`.")


class Upload(ResponseBody):
    """An upload that waits for its file."""

    id: str
    object: Literal["upload"] = "upload"
    content_type: UploadContentType
    bytes: int
    reference: str = Field(description="Use it in the input of a task in place of a link.")
    upload: UploadForm
    expires_at: datetime = Field(description="Until when the form accepts the file.")
    delete_at: datetime = Field(description="When the file is deleted.")
