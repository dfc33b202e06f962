"""API keys as administrators see them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, Strict

from kie_gateway.core.callers.api_key import Scope
from kie_gateway.web.schemas import Owner, Page, RequestBody, ResponseBody


class CreateKey(RequestBody):
    """An API key to create."""

    owner: Owner = Field(description="Whose tasks the key creates and sees.")
    name: str = Field(min_length=1, max_length=100, description="What the key is for.")
    scopes: list[Annotated[Scope, Strict(strict=False)]] = Field(
        default=[Scope.TASKS_READ, Scope.TASKS_WRITE],
        min_length=1,
        description="What the key may do. The default is `tasks:read` and `tasks:write`.",
    )
    expires_in_days: int | None = Field(
        default=None, ge=1, le=3650, description="Null for a key that does not expire."
    )
    requests_per_minute: int | None = Field(
        default=None,
        ge=0,
        description="Null: the requests count towards the limit of the owner. A number: the key"
        " has a limit of its own; 0 for none.",
    )
    tasks_at_once: int | None = Field(
        default=None,
        ge=0,
        description="How many open tasks the owner may have when this key creates one. Null: as"
        " the gateway is configured; 0 for any number.",
    )


class ApiKey(ResponseBody):
    """An API key, without its secret."""

    id: str
    object: Literal["key"] = "key"
    owner: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None = Field(description="Null for a key that does not expire.")
    revoked_at: datetime | None = Field(description="Null unless the key was revoked.")
    last_used_at: datetime | None = Field(description="Accurate to the hour.")
    requests_per_minute: int | None
    tasks_at_once: int | None


class IssuedApiKey(ApiKey):
    """A new API key with its secret, which is shown only once."""

    secret: str = Field(description="Send it as `Authorization: Bearer <secret>`.")


class ApiKeyList(Page):
    """A page of API keys, oldest first."""

    data: list[ApiKey]
