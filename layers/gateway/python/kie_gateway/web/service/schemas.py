"""The service as callers see it."""

from typing import Literal

from pydantic import Field

from kie_gateway.web.schemas import RequestBody, ResponseBody


class Health(ResponseBody):
    """The gateway answers."""

    status: Literal["ok"] = "ok"
    version: str


class StopCreations(RequestBody):
    """A stop of new tasks."""

    reason: str = Field(
        min_length=1,
        max_length=200,
        description="The reason that callers get when they try to create a task.",
    )
