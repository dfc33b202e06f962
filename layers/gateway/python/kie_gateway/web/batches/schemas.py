"""Batches as callers see them, and as the API's document describes them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StrictInt

from kie_gateway.core.groups.batch import LARGEST_BATCH, BatchStatus
from kie_gateway.web.schemas import Page, RequestBody, ResponseBody
from kie_gateway.web.tasks.body_schemas import TaskBody


class CreateBatch(RequestBody):
    """Tasks to create: either `items`, or one `item` several times."""

    items: Annotated[list[TaskBody], Field(min_length=1, max_length=LARGEST_BATCH)] | None = Field(
        default=None, description="The tasks, 1 to 100."
    )
    item: TaskBody | None = Field(default=None, description="A task to create several times.")
    count: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST_BATCH,
        description="How many times to create `item`, 1 to 100. By default, once for each seed.",
    )
    seeds: Annotated[list[StrictInt], Field(min_length=1, max_length=LARGEST_BATCH)] | None = Field(
        default=None,
        description="A seed for each task made from `item`, so that the results differ and can be"
        " reproduced. Only for models that take a `seed`.",
    )


class BatchUrls(ResponseBody):
    """Where to go from here."""

    self: str
    cancel: str
    tasks: str


class Batch(ResponseBody):
    """A batch."""

    id: str
    object: Literal["batch"] = "batch"
    status: BatchStatus = Field(
        description="`running` until every task has ended; then `succeeded` if all have succeeded,"
        " `failed` if none has, and `partial` otherwise. `canceled` if the batch was canceled."
    )
    total: int = Field(description="How many tasks the batch has.")
    counts: dict[str, int] = Field(
        description="How many tasks have which status; a status that no task has is left out."
        " `queued` tasks are not created yet; `running` tasks are created and have not ended."
    )
    progress: float = Field(description="The share of tasks that have ended, from 0 to 1.")
    created_at: datetime
    completed_at: datetime | None = Field(
        description="When the last task ended; null until all have."
    )
    urls: BatchUrls


class BatchList(Page):
    """A page of batches."""

    data: list[Batch]
