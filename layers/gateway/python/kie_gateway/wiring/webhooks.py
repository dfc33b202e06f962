"""What the API does with webhooks."""

from collections.abc import Callable

from kie_gateway.aws.delivery_queue import SqsDeliveryQueue
from kie_gateway.aws.delivery_table import DeliveryTable
from kie_gateway.aws.endpoint_table import EndpointTable
from kie_gateway.core.events.webhook_hosts import webhook_hosts
from kie_gateway.flows.events.manage_endpoints import (
    CheckAddress,
    CreateEndpoint,
    DeleteEndpoint,
    RotateSecret,
    SendTestEvent,
    ShowTaskSecret,
    UpdateEndpoint,
)
from kie_gateway.flows.events.retry_deliveries import RecoverDeliveries, RetryDelivery
from kie_gateway.settings import ApiFunctionSettings
from kie_gateway.web.use_cases import WebhookUseCases
from kie_gateway.wiring.ids import new_endpoint_id, new_event_id
from kie_gateway.wiring.runtime import Runtime


def make_webhooks(
    settings: ApiFunctionSettings, runtime: Runtime, has_time: Callable[[], bool]
) -> WebhookUseCases:
    """
    Make what the API does with webhooks. Raises ConfigurationError.

    Args:
        has_time: Whether there is time to begin some more deliveries again.
    """
    dynamodb, now = runtime.clients.dynamodb, runtime.now
    endpoints = EndpointTable(dynamodb, settings.table_name)
    deliveries = DeliveryTable(dynamodb, settings.table_name, now)
    queue = SqsDeliveryQueue(runtime.clients.sqs, settings.delivery_queue_url)
    secret = runtime.secret(settings.signing_secret_arn)
    check_url = CheckAddress(webhook_hosts(settings.webhook_hosts))
    return WebhookUseCases(
        endpoints=endpoints,
        deliveries=deliveries,
        check_url=check_url,
        secret_of_tasks=ShowTaskSecret(endpoints, secret),
        create_endpoint=CreateEndpoint(endpoints, check_url, secret, new_endpoint_id, now),
        update_endpoint=UpdateEndpoint(endpoints, check_url, now),
        rotate_secret=RotateSecret(endpoints, secret, now),
        delete_endpoint=DeleteEndpoint(endpoints),
        send_test_event=SendTestEvent(deliveries, queue, new_event_id, now),
        retry_delivery=RetryDelivery(endpoints, deliveries, queue, now),
        recover_deliveries=RecoverDeliveries(endpoints, deliveries, queue, now, has_time),
    )
