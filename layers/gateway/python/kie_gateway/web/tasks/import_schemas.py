"""Imports as callers see them."""

from typing import Literal

from pydantic import Field, SkipValidation

from kie_gateway.web.schemas import Problem, RequestBody, ResponseBody
from kie_gateway.web.tasks.body_schemas import Metadata, ModelId
from kie_gateway.web.tasks.schemas import Task


class ImportUpstreamTask(RequestBody):
    """A task at Kie.ai to adopt."""

    model: ModelId = Field(description="The model that made it.")
    upstream_task_id: str = Field(
        min_length=1, max_length=100, description="Kie.ai's id of the task."
    )
    metadata: Metadata = Field(default_factory=dict, description="Your own data.")


class ImportUrl(RequestBody):
    """A link to a result to adopt."""

    model: ModelId = Field(description="The model that made it.")
    url: str = Field(
        min_length=1,
        max_length=8192,
        description="Where the result is. The host must be one that the gateway fetches results"
        " from.",
    )
    metadata: Metadata = Field(default_factory=dict, description="Your own data.")


class ImportTasks(RequestBody):
    """Up to a hundred pieces of work to adopt; each has a result of its own."""

    # Not validated here: each item is read by itself (`import_presenters.py`), as it was sent, so
    # that a wrong one does not spoil the others.
    items: list[SkipValidation[ImportUpstreamTask | ImportUrl]] = Field(
        min_length=1,
        max_length=100,
        description="What to adopt: each item names a task by `upstream_task_id`, or a result by"
        " `url`.",
    )


class ImportResult(ResponseBody):
    """The result of one item."""

    index: int = Field(description="Position of the item in the request, from 0.")
    status: int = Field(
        description="HTTP status of this item: 201 adopted, 200 known before, or that of a problem."
    )
    task: Task | None = Field(description="Null if there is a problem.")
    problem: Problem | None = Field(description="Null if there is a task.")


class ImportResultList(ResponseBody):
    """The result of each item, in the order of the request."""

    object: Literal["list"] = "list"
    data: list[ImportResult]
