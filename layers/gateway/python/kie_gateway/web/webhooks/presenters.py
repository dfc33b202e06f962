"""Webhook endpoints and deliveries, from what is kept of them to what callers see."""

from kie_gateway.core.events.delivery import Delivery
from kie_gateway.core.events.endpoint import Endpoint
from kie_gateway.flows.events.manage_endpoints import IssuedEndpoint
from kie_gateway.web.webhooks import schemas


def endpoint_schema(endpoint: Endpoint) -> schemas.WebhookEndpoint:
    """Present an endpoint, without its secret."""
    return schemas.WebhookEndpoint(
        id=endpoint.endpoint_id,
        url=endpoint.url or None,
        events=list(endpoint.events),
        description=endpoint.description,
        status=endpoint.status,
        disabled_reason=endpoint.disabled_reason,
        disabled_at=endpoint.disabled_at,
        failing_since=endpoint.failing_since,
        created_at=endpoint.created_at,
    )


def issued_endpoint_schema(issued: IssuedEndpoint) -> schemas.IssuedWebhookEndpoint:
    """Present an endpoint with its secret."""
    shown = endpoint_schema(issued.endpoint)
    return schemas.IssuedWebhookEndpoint(**shown.model_dump(), secret=issued.secret)


def delivery_schema(delivery: Delivery) -> schemas.Delivery:
    """Present a delivery, without the event itself."""
    return schemas.Delivery(
        id=delivery.delivery_id,
        event_id=delivery.event_id,
        type=delivery.type,
        status=delivery.status,
        trouble=delivery.trouble,
        attempts=[
            schemas.DeliveryAttempt(
                at=one.at,
                milliseconds=one.milliseconds,
                status=one.status,
                trouble=one.trouble,
                answer=one.answer,
            )
            for one in delivery.attempts
        ],
        next_attempt_at=delivery.next_at,
        created_at=delivery.created_at,
    )
