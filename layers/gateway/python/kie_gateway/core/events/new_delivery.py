"""Make deliveries of events."""

from kie_gateway.core.events.delivery import Delivery, delivery_id
from kie_gateway.core.events.event import Event


def new_delivery(event: Event, endpoint_id: str, *, url: str | None = None) -> Delivery:
    """
    Make the delivery of an event, which is to be tried at once.

    Args:
        endpoint_id: `task_webhook.PER_TASK` for the webhook of a task.
        url: Of the webhook of a task; None for that of the endpoint.
    """
    return Delivery(
        delivery_id=delivery_id(endpoint_id, event.event_id, event.at),
        endpoint_id=endpoint_id,
        owner=event.owner,
        event_id=event.event_id,
        type=event.type,
        about=event.about,
        created_at=event.at,
        body=event.text(),
        url=url,
        next_at=event.at,
    )
