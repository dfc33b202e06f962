"""Webhook endpoints and deliveries in memory; they pass the suite of the real tables."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock

from kie_gateway.core.events.delivery import (
    KEPT,
    Delivery,
    DeliveryStatus,
    delivery_place,
    unix_milliseconds,
)
from kie_gateway.core.events.endpoint import Endpoint
from kie_gateway.core.events.task_webhook import PER_TASK


class FakeEndpoints:
    """The webhook endpoints of every owner."""

    def __init__(self) -> None:
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._lock = Lock()

    def create(self, endpoint: Endpoint) -> None:
        self._endpoints.setdefault((endpoint.owner, endpoint.endpoint_id), endpoint)

    def get(self, owner: str, endpoint_id: str) -> Endpoint | None:
        return self._endpoints.get((owner, endpoint_id))

    def of_owner(self, owner: str) -> list[Endpoint]:
        found = [one for one in self._endpoints.values() if one.owner == owner]
        listed = [one for one in found if one.endpoint_id != PER_TASK]
        return sorted(listed, key=lambda one: one.endpoint_id)

    def move(
        self, endpoint: Endpoint, decide: Callable[[Endpoint], Endpoint | None], now: datetime
    ) -> Endpoint | None:
        key = (endpoint.owner, endpoint.endpoint_id)
        while True:
            after = decide(endpoint)
            if after is None:
                return endpoint
            with self._lock:
                current = self._endpoints.get(key)
                if current is None:
                    return None
                if current.version == endpoint.version:
                    moved = replace(after, version=current.version + 1)
                    self._endpoints[key] = moved
                    return moved
            endpoint = current

    def delete(self, owner: str, endpoint_id: str) -> None:
        self._endpoints.pop((owner, endpoint_id), None)


class FakeDeliveries:
    """
    What is kept of deliveries.

    Args:
        events: Bodies of events by the tasks that they are about, if those can be deleted.
    """

    def __init__(
        self, now: Callable[[], datetime], events: dict[str, dict[str, str]] | None = None
    ) -> None:
        self._now = now
        self._events = events if events is not None else {}
        self._deliveries: dict[tuple[str, str], Delivery] = {}

    def create(self, delivery: Delivery) -> Delivery:
        kept = delivery
        if delivery.type.is_about_task and delivery.body is not None:
            self._events.setdefault(delivery.about, {})[delivery.event_id] = delivery.body
            kept = replace(delivery, body=None)
        current = self._deliveries.setdefault((delivery.owner, delivery.delivery_id), kept)
        return delivery if current is kept else current

    def get(self, owner: str, delivery_id: str) -> Delivery | None:
        found = self._deliveries.get((owner, delivery_id))
        if found is None or not self._is_kept(found):
            return None
        if found.body is not None:
            return found
        return replace(found, body=self._events.get(found.about, {}).get(found.event_id))

    def put(self, delivery: Delivery) -> None:
        key = (delivery.owner, delivery.delivery_id)
        current = self._deliveries.get(key)
        if current is not None and current.beginnings <= delivery.beginnings:
            self._deliveries[key] = replace(delivery, body=current.body)

    def list_deliveries(
        self,
        owner: str,
        endpoint_id: str,
        *,
        status: DeliveryStatus | None,
        since: datetime | None,
        limit: int,
        after: str | None,
    ) -> tuple[Sequence[Delivery], str | None]:
        found = [
            one
            for one in self._deliveries.values()
            if (one.owner, one.endpoint_id) == (owner, endpoint_id)
            and self._is_kept(one)
            and (status is None or one.status is status)
            and (since is None or _place(one)[0] >= unix_milliseconds(since))
        ]
        found.sort(key=_place, reverse=True)
        if after is not None:
            known = delivery_place(after)
            assert known is not None
            found = [one for one in found if _place(one) < (known.moment, known.event)]
        page = found[:limit]
        return page, page[-1].delivery_id if len(found) > limit else None

    def _is_kept(self, delivery: Delivery) -> bool:
        return _place(delivery)[0] >= unix_milliseconds(self._now() - KEPT)


class FakeDeliveryQueue:
    """
    A queue that nobody works off.

    Attributes:
        sent: What was sent, in order.
        before_sending: Called before anything is sent.
    """

    def __init__(self) -> None:
        self.sent: list[Delivery] = []
        self.hidden: list[tuple[str, float]] = []
        self.before_sending: Callable[[], object] = lambda: None

    def send(self, deliveries: Sequence[Delivery]) -> None:
        self.before_sending()
        self.sent += deliveries

    def hide(self, receipt_handle: str, seconds: float) -> None:
        self.hidden.append((receipt_handle, seconds))


def _place(delivery: Delivery) -> tuple[int, str]:
    place = delivery_place(delivery.delivery_id)
    assert place is not None
    return place.moment, place.event
