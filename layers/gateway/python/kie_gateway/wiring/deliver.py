"""DeliverFunction."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from kie_gateway.aws.delivery_queue import SqsDeliveryQueue
from kie_gateway.aws.delivery_table import DeliveryTable
from kie_gateway.aws.endpoint_table import EndpointTable
from kie_gateway.aws.secrets import Secrets
from kie_gateway.core.events.endpoint import Endpoint
from kie_gateway.core.events.webhook_hosts import webhook_hosts
from kie_gateway.core.events.webhook_secret import signing_secrets
from kie_gateway.fetch.client import GuardedClient
from kie_gateway.fetch.webhook_signature import sign_webhook
from kie_gateway.fetch.webhooks import PATIENCE_SECONDS, HttpWebhookSender
from kie_gateway.flows.events.deliver_event import DeliverEvent
from kie_gateway.settings import DeliverFunctionSettings, load
from kie_gateway.wiring import clock
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.time_left import TimeLeft

_CONNECT_SECONDS = 5.0
_TIMEOUTS = {"connect": _CONNECT_SECONDS, "read": PATIENCE_SECONDS, "write": PATIENCE_SECONDS}


@dataclass(frozen=True)
class DeliverFunction:
    """What DeliverFunction uses."""

    time_left: TimeLeft
    clients: Clients
    deliver: DeliverEvent
    queue: SqsDeliveryQueue


def make() -> DeliverFunction:
    """Make DeliverFunction's parts. Raises ConfigurationError."""
    settings = load(DeliverFunctionSettings)
    now = clock.utc_now
    time_left = TimeLeft(now)
    clients = Clients(time_left)
    secrets = Secrets(clients.secretsmanager)
    hosts = webhook_hosts(settings.webhook_hosts)

    def secrets_of(owner: str, endpoint: Endpoint | None) -> Sequence[str]:
        return signing_secrets(secrets.text(settings.signing_secret_arn), owner, endpoint, now())

    queue = SqsDeliveryQueue(clients.sqs, settings.delivery_queue_url)
    deliver = DeliverEvent(
        endpoints=EndpointTable(clients.dynamodb, settings.table_name),
        deliveries=DeliveryTable(clients.dynamodb, settings.table_name, now),
        queue=queue,
        send=HttpWebhookSender(hosts, GuardedClient(hosts, timeouts=_TIMEOUTS)),
        sign=sign_webhook,
        secrets=secrets_of,
        schedule=settings.schedule,
        jitter=random.random,
        now=now,
    )
    return DeliverFunction(time_left, clients, deliver, queue)
