"""EventsFunction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kie_gateway.aws.dead_letters import DeadLetters
from kie_gateway.aws.delivery_queue import SqsDeliveryQueue
from kie_gateway.aws.delivery_table import DeliveryTable
from kie_gateway.aws.endpoint_table import EndpointTable
from kie_gateway.aws.event_bus import EventBridgeBus
from kie_gateway.aws.secrets import Secrets
from kie_gateway.aws.stream_records import read_change
from kie_gateway.aws.task_reads import TaskReads
from kie_gateway.core.credits.account import Account
from kie_gateway.core.events.change import Change
from kie_gateway.core.events.endpoint import Endpoint
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.results import Output
from kie_gateway.core.task import Task
from kie_gateway.flows.events.publish_change import Presenters, PublishChange
from kie_gateway.flows.files.permalinks import Permalinks
from kie_gateway.flows.groups.find_descendants import FindDescendants
from kie_gateway.settings import EventsFunctionSettings, load
from kie_gateway.web.batches.presenters import batch_schema
from kie_gateway.web.credits.presenters import account_schema
from kie_gateway.web.outputs.links import OutputLinks
from kie_gateway.web.tasks.presenters import task_schema
from kie_gateway.web.webhooks.presenters import endpoint_schema
from kie_gateway.wiring import clock
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.live import make_live_publisher
from kie_gateway.wiring.permalinks import make_permalinks
from kie_gateway.wiring.time_left import TimeLeft


@dataclass(frozen=True)
class EventsFunction:
    """What EventsFunction uses."""

    time_left: TimeLeft
    clients: Clients
    read_change: Callable[[Mapping[str, Any]], Change | None]
    publish: PublishChange
    dead_letters: DeadLetters


def make() -> EventsFunction:
    """Make EventsFunction's parts. Raises ConfigurationError."""
    settings = load(EventsFunctionSettings)
    time_left = TimeLeft(clock.utc_now)
    clients = Clients(time_left)
    permalinks = make_permalinks(settings, Secrets(clients.secretsmanager))
    tasks = TaskReads(clients.dynamodb, settings.table_name)
    publish = PublishChange(
        present=_presenters(tasks, permalinks),
        endpoints=EndpointTable(clients.dynamodb, settings.table_name),
        deliveries=DeliveryTable(clients.dynamodb, settings.table_name, clock.utc_now),
        is_deleted=tasks.is_deleted,
        queue=SqsDeliveryQueue(clients.sqs, settings.delivery_queue_url),
        live=make_live_publisher(settings, clients, clock.utc_now),
        bus=EventBridgeBus(clients.events, settings.event_bus_name),
        low_credits=settings.low_credits,
    )
    dead_letters = DeadLetters(clients.sqs, settings.dead_letter_queue_url)
    return EventsFunction(time_left, clients, read_change, publish, dead_letters)


def _presenters(tasks: TaskReads, permalinks: Permalinks) -> Presenters:
    find_descendants = FindDescendants(tasks)

    def task(task: Task) -> Mapping[str, Any]:
        # Where the task was created is where its links lead.
        base_url = task.callback_base_url

        def permalink(of: Task, output: Output) -> str | None:
            return permalinks.to(of, output, base_url)

        shown = task_schema(
            task,
            descendants=find_descendants([task]) if task.children else {},
            base_url=base_url,
            # A link that ends within the hour is of no use to whoever reads this tomorrow.
            links=OutputLinks(lambda _: None, permalink),
            now=clock.utc_now(),
        )
        body: Mapping[str, Any] = shown.model_dump(mode="json")
        return body

    def batch(batch: Batch) -> Mapping[str, Any]:
        return batch_schema(batch, batch.callback_base_url).model_dump(mode="json")

    def account(account: Account) -> Mapping[str, Any]:
        return account_schema(account, clock.utc_now()).model_dump(mode="json")

    def endpoint(endpoint: Endpoint) -> Mapping[str, Any]:
        return endpoint_schema(endpoint).model_dump(mode="json")

    return Presenters(task, batch, account, endpoint)
