"""Webhook endpoints and deliveries, as flows need them; `aws/` provides them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from kie_gateway.core.events.delivery import Delivery, DeliveryStatus
from kie_gateway.core.events.endpoint import Endpoint


class Endpoints(Protocol):
    """The webhook endpoints of every owner."""

    def create(self, endpoint: Endpoint) -> None:
        """Write a new endpoint."""

    def get(self, owner: str, endpoint_id: str) -> Endpoint | None:
        """Read an endpoint as it stands."""

    def of_owner(self, owner: str) -> Sequence[Endpoint]:
        """Read all endpoints of an owner as they stand, oldest first."""

    def move(
        self, endpoint: Endpoint, decide: Callable[[Endpoint], Endpoint | None], now: datetime
    ) -> Endpoint | None:
        """
        Change an endpoint, deciding again whenever it has changed; None leaves it as it is.

        Returns:
            The endpoint afterwards; None if it is deleted.
        """

    def delete(self, owner: str, endpoint_id: str) -> None:
        """Delete an endpoint."""


class Deliveries(Protocol):
    """What is kept of deliveries, for `delivery.KEPT`."""

    def create(self, delivery: Delivery) -> Delivery:
        """
        Write a new delivery, and its event if that is about a task.

        Returns:
            The delivery; if it is there already, as it stands, perhaps without its body.
        """

    def get(self, owner: str, delivery_id: str) -> Delivery | None:
        """Read a delivery as it stands; without a body if its event is gone with its task."""

    def put(self, delivery: Delivery) -> None:
        """Write what has become of a delivery, unless it was begun again meanwhile."""

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
        """
        List deliveries to an endpoint, newest first, without bodies that are about tasks.

        Args:
            after: Id of the last one that is known.

        Returns:
            The deliveries, and the id to go on after; None at the end.
        """


class DeliveryQueue(Protocol):
    """The deliveries that are to be tried."""

    def send(self, deliveries: Sequence[Delivery]) -> None:
        """Have deliveries tried, in order where endpoint and subject are the same."""

    def hide(self, receipt_handle: str, seconds: float) -> None:
        """Have a message that is not done with come back after a pause, at most 12 hours."""
