"""Live updates as callers see them."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from kie_gateway.core.callers.realtime_token import LONGEST_SECONDS, MOST_TASKS
from kie_gateway.web.schemas import RequestBody, ResponseBody


class Realtime(ResponseBody):
    """Where and how to connect for live updates, by WebSocket."""

    object: Literal["realtime"] = "realtime"
    enabled: bool = Field(
        description="Whether this gateway has live updates; without, everything else is null."
    )
    protocol: Literal["aws-appsync-event-ws"] | None = Field(
        description="The protocol of AWS AppSync Events, and the first subprotocol to ask for."
    )
    url: str | None = Field(description="Where to open the WebSocket.")
    host: str | None = Field(
        description="Send it as `host` beside the token, which is sent as `Authorization`: as JSON"
        " in the second subprotocol, `header-<base64url>`, and in each `subscribe`."
    )


class CreateRealtimeToken(RequestBody):
    """A token to create, with which a browser follows tasks."""

    tasks: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_TASKS,
        description="Ids of the tasks that the token opens. Null: all of your tasks, those to come"
        " included.",
    )
    ttl_seconds: int = Field(
        default=LONGEST_SECONDS,
        ge=1,
        le=LONGEST_SECONDS,
        description="How long the token is good.",
    )


class RealtimeToken(ResponseBody):
    """A token with which a browser follows tasks, and nothing else."""

    object: Literal["realtime_token"] = "realtime_token"
    token: str
    expires_at: datetime
    tasks: list[str] | None = Field(description="What the token opens; null for all of your tasks.")
    channels: list[str] = Field(
        description="Subscribe to each of them: together they carry what happens until"
        " `expires_at`."
    )
