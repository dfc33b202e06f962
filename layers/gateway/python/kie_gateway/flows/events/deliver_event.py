"""Deliver events to webhook endpoints, and try again what did not come through."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from kie_gateway.core.events.delivery import (
    Attempt,
    Delivery,
    DeliveryStatus,
    Trouble,
    after_attempt,
    given_up,
    without_body,
)
from kie_gateway.core.events.endpoint import Endpoint, after_failure, after_success, probed
from kie_gateway.core.events.task_webhook import PER_TASK
from kie_gateway.core.ports.deliveries import Deliveries, DeliveryQueue, Endpoints
from kie_gateway.core.ports.webhook_sender import WebhookSender


class Sign(Protocol):
    """Signs webhooks."""

    def __call__(
        self, secrets: Sequence[str], event_id: str, at: datetime, body: str
    ) -> Mapping[str, str]:
        """Return the headers of a webhook, with a signature by each secret."""


@dataclass(frozen=True)
class DeliverEvent:
    """
    Delivers events.

    Each is a message of a queue that comes back until it has come through or is given up: whoever
    works on it may die at any moment. What has come through just then comes a second time, with the
    same id.

    Attributes:
        secrets: Returns the secrets that sign for an endpoint, by its owner; the newest first.
        schedule: Pauses after the first try, the second, and so on; after the last there is none.
        jitter: From 0 to 1, at random.
    """

    endpoints: Endpoints
    deliveries: Deliveries
    queue: DeliveryQueue
    send: WebhookSender
    sign: Sign
    secrets: Callable[[str, Endpoint | None], Sequence[str]]
    schedule: Sequence[timedelta]
    jitter: Callable[[], float]
    now: Callable[[], datetime]

    def __call__(self, owner: str, delivery_id: str, receipt_handle: str) -> Delivery | None:
        """
        Try one delivery.

        Returns:
            How it stands; its message comes back if it is pending. None if there is none.

        Raises:
            BackendUnavailableError, ConfigurationError: Its message comes back.
        """
        delivery = self.deliveries.get(owner, delivery_id)
        if delivery is None or delivery.status is not DeliveryStatus.PENDING:
            return delivery
        if delivery.body is None:
            return self._kept(without_body(delivery))
        endpoint = self.endpoints.get(owner, delivery.endpoint_id)
        trouble = _hopeless(delivery, endpoint)
        if trouble is not None:
            return self._kept(given_up(delivery, trouble))
        due_at = self._due_at(delivery, endpoint)
        if due_at <= self.now():
            delivery = self._try(delivery, delivery.body, endpoint)
            due_at = delivery.next_at or due_at
        if delivery.status is DeliveryStatus.PENDING:
            self.queue.hide(receipt_handle, (due_at - self.now()).total_seconds())
        return delivery

    def _due_at(self, delivery: Delivery, endpoint: Endpoint | None) -> datetime:
        """
        Return when a delivery may be tried.

        Once a pause of its endpoint is over, one delivery alone finds out whether that answers
        again: all of them at once would keep others waiting, who share the functions with them.
        """
        now = self.now()
        due_at = delivery.next_at or now
        if endpoint is None or not endpoint.pauses or due_at > now:
            return due_at
        finds_out = False

        def decide(current: Endpoint) -> Endpoint | None:
            nonlocal finds_out
            after = probed(current, now)
            finds_out = after is not None
            return after

        paused = self.endpoints.move(endpoint, decide, now)
        if finds_out or paused is None or paused.paused_until is None:
            return due_at
        return max(due_at, paused.paused_until)

    def _try(self, delivery: Delivery, body: str, endpoint: Endpoint | None) -> Delivery:
        at = self.now()
        secrets = self.secrets(delivery.owner, endpoint)
        headers = self.sign(secrets, delivery.event_id, at, body)
        url = delivery.url or (endpoint.url if endpoint is not None else "")
        attempt = self.send(url, body.encode(), headers, at)
        kept = self._kept(after_attempt(delivery, attempt, self.schedule, self.jitter()))
        if endpoint is not None and delivery.endpoint_id != PER_TASK:
            self._note(endpoint, attempt)
        return kept

    def _note(self, endpoint: Endpoint, attempt: Attempt) -> None:
        """Note at the endpoint whether it can be reached, if that is new."""

        def decide(current: Endpoint) -> Endpoint | None:
            if attempt.is_delivered:
                after = after_success(current)
            else:
                after = after_failure(
                    current,
                    gone=attempt.is_gone,
                    let_wait=attempt.let_wait,
                    is_probe=endpoint.pauses > 0,
                    now=self.now(),
                )
            return after if after != current else None

        if decide(endpoint) is not None:
            self.endpoints.move(endpoint, decide, self.now())

    def _kept(self, delivery: Delivery) -> Delivery:
        self.deliveries.put(delivery)
        return delivery


def _hopeless(delivery: Delivery, endpoint: Endpoint | None) -> Trouble | None:
    """Say why a delivery is not tried any more; None if it is."""
    if delivery.endpoint_id == PER_TASK:
        return None
    if endpoint is None:
        return Trouble.DELETED
    return None if endpoint.is_enabled else Trouble.DISABLED
