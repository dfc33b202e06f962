"""Webhook endpoints and deliveries, as callers see them and the API's document describes them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, Strict

from kie_gateway.core.events.delivery import DeliveryStatus, Trouble
from kie_gateway.core.events.endpoint import DisabledReason, EndpointStatus
from kie_gateway.core.events.event_type import EventType
from kie_gateway.web.queries import RequiredDateTime
from kie_gateway.web.schemas import LONGEST_URL, Page, RequestBody, ResponseBody

LONGEST_DESCRIPTION = 200

# No `type` statements: their names would stand in the API's document.
_EventTypes = Annotated[
    list[Annotated[EventType, Strict(strict=False)]], Field(max_length=len(EventType))
]
_Url = Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]
_Description = Annotated[str, Field(max_length=LONGEST_DESCRIPTION)]


class CreateWebhookEndpoint(RequestBody):
    """A webhook endpoint to create."""

    url: _Url = Field(
        description="Where events are sent: an absolute https address of a public host."
    )
    events: _EventTypes = Field(
        default_factory=list,
        description="The types of events to send. By default, and if it is empty, all of them.",
    )
    description: _Description = Field(default="", description="What the endpoint is for.")


class UpdateWebhookEndpoint(RequestBody):
    """What to change of a webhook endpoint; what is not sent stays as it is."""

    url: _Url = Field(default="", description="Where events are sent.")
    events: _EventTypes = Field(
        default_factory=list, description="The types of events to send; empty for all of them."
    )
    description: _Description = Field(default="", description="What the endpoint is for.")
    status: Annotated[EndpointStatus, Strict(strict=False)] = Field(
        default=EndpointStatus.ENABLED,
        description="`disabled` stops all deliveries; `enabled` resumes them, without those that"
        " have failed meanwhile.",
    )


class WebhookEndpoint(ResponseBody):
    """An address that is told of events."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    url: str | None = Field(
        description="Where events are sent. Null for `per-task`, which stands for the webhooks of"
        " your tasks."
    )
    events: list[EventType] = Field(description="The types of events to send; empty for all.")
    description: str
    status: EndpointStatus
    disabled_reason: DisabledReason | None = Field(description="Null while it is enabled.")
    disabled_at: datetime | None = Field(description="Null while it is enabled.")
    failing_since: datetime | None = Field(
        description="When the first delivery failed since one came through; null if the last one"
        " came through. After five days, the endpoint is disabled."
    )
    created_at: datetime


class IssuedWebhookEndpoint(WebhookEndpoint):
    """A webhook endpoint with its secret, which is shown only once."""

    secret: str = Field(
        description="Signs the webhooks, as Standard Webhooks describes it: `whsec_` and a key in"
        " Base64."
    )


class WebhookEndpointList(Page):
    """A page of webhook endpoints, oldest first."""

    data: list[WebhookEndpoint]


class DeliveryAttempt(ResponseBody):
    """One try to deliver an event."""

    at: datetime
    milliseconds: int = Field(
        description="Until the answer came, or nobody waited for it any longer."
    )
    status: int | None = Field(description="HTTP status of the answer; null if there was none.")
    trouble: Trouble | None = Field(description="Why there was no answer; null if there was one.")
    answer: str = Field(description="The beginning of the answer's body, up to 1 KiB.")


class Delivery(ResponseBody):
    """An event on its way to an endpoint."""

    id: str
    object: Literal["delivery"] = "delivery"
    event_id: str = Field(description="The `id` of the event, and the header `webhook-id`.")
    type: EventType
    status: DeliveryStatus
    trouble: Trouble | None = Field(
        description="Why the last try came to nothing, if there was no answer."
    )
    attempts: list[DeliveryAttempt] = Field(description="The last 20 tries, oldest first.")
    next_attempt_at: datetime | None = Field(
        description="When the next try is due; null once the delivery has ended."
    )
    created_at: datetime = Field(description="When the event happened.")


class DeliveryList(Page):
    """A page of deliveries, newest first."""

    data: list[Delivery]


class RecoverDeliveries(RequestBody):
    """Which deliveries to recover."""

    since: RequiredDateTime = Field(
        description="Deliveries of events from this time on are recovered (RFC 3339)."
    )


class Recovery(ResponseBody):
    """What was recovered."""

    object: Literal["recovery"] = "recovery"
    recovered: int = Field(description="How many deliveries are being tried again.")
    has_more: bool = Field(
        description="Whether more have failed than there was time for; send the request again."
    )
