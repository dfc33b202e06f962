"""Tell the world outside of a change: webhooks, live updates, and the event bus."""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from kie_gateway.core.credits.account import Account
from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.events.change import (
    AccountChange,
    BatchChange,
    Change,
    EndpointChange,
    TaskChange,
)
from kie_gateway.core.events.delivery import (
    Delivery,
    DeliveryStatus,
    Trouble,
    given_up,
    without_body,
)
from kie_gateway.core.events.endpoint import DisabledReason, Endpoint
from kie_gateway.core.events.event import (
    Event,
    is_completion,
    is_low,
    task_event_id,
)
from kie_gateway.core.events.event_size import fitting
from kie_gateway.core.events.event_type import EventType
from kie_gateway.core.events.new_delivery import new_delivery
from kie_gateway.core.events.task_webhook import PER_TASK, TaskWebhook
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.ports.deliveries import Deliveries, DeliveryQueue, Endpoints
from kie_gateway.core.ports.events import EventBus
from kie_gateway.core.ports.live import LivePublisher
from kie_gateway.core.task import Task

_log = logging.getLogger(__name__)

type Shown = Mapping[str, Any]


@dataclass(frozen=True)
class Presenters:
    """Present what events are about, as the API does, without links that end."""

    task: Callable[[Task], Shown]
    batch: Callable[[Batch], Shown]
    account: Callable[[Account], Shown]
    endpoint: Callable[[Endpoint], Shown]


@dataclass(frozen=True)
class PublishChange:
    """
    Publishes what a change tells.

    Whoever calls it may do so again for the same change: the event has the same id, and its
    deliveries are there already.

    Attributes:
        is_deleted: Whether a task is deleted, by its id.
        low_credits: A balance below this is low; 0 if none is.
    """

    present: Presenters
    endpoints: Endpoints
    deliveries: Deliveries
    is_deleted: Callable[[str], bool]
    queue: DeliveryQueue
    live: LivePublisher | None
    bus: EventBus
    low_credits: Decimal

    def __call__(self, change: Change) -> Event | None:
        """
        Publish what a change tells.

        Returns:
            The event; None if it tells nothing.

        Raises:
            BackendUnavailableError, ConfigurationError: Calling again is right.
        """
        event = self._event(change)
        if event is None:
            return None
        webhook = change.task.webhook if isinstance(change, TaskChange) else None
        self._deliver(event, webhook)
        self._publish_live(event)
        self.bus.put(event)
        return event

    def _event(self, change: Change) -> Event | None:
        match change:
            case TaskChange(type_, at, task):
                return Event(
                    task_event_id(task.task_id, task.version),
                    type_,
                    at,
                    task.owner,
                    task.task_id,
                    fitting(self.present.task(task)),
                )
            case BatchChange(at, before, batch):
                if not is_completion(before, batch):
                    return None
                return Event(
                    f"evt_{batch.batch_id.removeprefix('batch_')}_completed",
                    EventType.BATCH_COMPLETED,
                    batch.completed_at or at,
                    batch.owner,
                    batch.batch_id,
                    self.present.batch(batch),
                )
            case AccountChange(at, before, account):
                if not is_low(before, account, self.low_credits):
                    return None
                # Every change of a balance is an entry of the ledger, so their number tells them
                # apart.
                owner = hashlib.sha256(account.owner.encode()).hexdigest()[:16]
                return Event(
                    f"evt_{owner}_{account.entries}",
                    EventType.CREDITS_LOW,
                    at,
                    account.owner,
                    f"credits_{owner}",
                    self.present.account(account),
                )
            case EndpointChange(type_, at, endpoint):
                return Event(
                    f"evt_{endpoint.endpoint_id.partition('_')[2]}_{endpoint.version}",
                    type_,
                    at,
                    endpoint.owner,
                    endpoint.endpoint_id,
                    self.present.endpoint(endpoint),
                )

    def _deliver(self, event: Event, webhook: TaskWebhook | None) -> None:
        endpoints = [
            one
            for one in self.endpoints.of_owner(event.owner)
            if one.wants(event.type) and one.disabled_reason is not DisabledReason.BY_OWNER
        ]
        wanted = [_delivery(event, one) for one in endpoints]
        if webhook is not None and webhook.wants(event.type):
            wanted.append(new_delivery(event, PER_TASK, url=webhook.url))
        # The change may be from long before a deletion. What is written for a task that is deleted
        # only after this read, the sweep removes: it comes when nobody who has read the task before
        # is still at work (`core/sweep.py`, AFTER_DELETION). A transaction with the record would be
        # tighter, but would get in the way of the task's own moves.
        if wanted and event.type.is_about_task and self.is_deleted(event.about):
            wanted = [without_body(replace(one, body=None)) for one in wanted]
        self._send([self.deliveries.create(one) for one in wanted])

    def _send(self, deliveries: Sequence[Delivery]) -> None:
        """Have them tried, but for those that are over already."""
        pending = [one for one in deliveries if one.status is DeliveryStatus.PENDING]
        if pending:
            self.queue.send(pending)

    def _publish_live(self, event: Event) -> None:
        """Tell those who are connected; whoever misses it reads the task."""
        if self.live is None:
            return
        try:
            self.live.publish(event.owner, event.about, [event.text()])
        except GatewayError as error:
            _log.warning("live update of %s failed: %s", event.event_id, error)


def _delivery(event: Event, endpoint: Endpoint) -> Delivery:
    delivery = new_delivery(event, endpoint.endpoint_id)
    # Kept all the same, so that it can be recovered.
    return delivery if endpoint.is_enabled else given_up(delivery, Trouble.DISABLED)
