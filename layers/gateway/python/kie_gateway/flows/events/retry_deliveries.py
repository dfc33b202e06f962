"""Try deliveries of events again that have failed, or that their receiver wants once more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from kie_gateway.core.errors.webhook_errors import DeliveryNotFoundError, EndpointNotFoundError
from kie_gateway.core.events.delivery import Delivery, DeliveryStatus, begun_again
from kie_gateway.core.events.task_webhook import PER_TASK
from kie_gateway.core.ports.deliveries import Deliveries, DeliveryQueue, Endpoints
from kie_gateway.flows.events.manage_endpoints import refuse_disabled

# Of one call: they are in memory before the first is sent, and some have 200 KB.
MOST_RECOVERED = 500
_PAGE = 50
_SENT_TOGETHER = 10


@dataclass(frozen=True)
class RetryDelivery:
    """Tries deliveries again, whatever has become of them."""

    endpoints: Endpoints
    deliveries: Deliveries
    queue: DeliveryQueue
    now: Callable[[], datetime]

    def __call__(self, owner: str, delivery_id: str) -> Delivery:
        """
        Begin a delivery again.

        Raises:
            DeliveryNotFoundError, EndpointNotFoundError: There is none; or its endpoint is deleted.
            EndpointDisabledError: Nothing is delivered to its endpoint.
        """
        delivery = self.deliveries.get(owner, delivery_id)
        if delivery is None:
            raise DeliveryNotFoundError("there is no such delivery")
        refuse_unreachable(self.endpoints, owner, delivery.endpoint_id)
        again = begun_again(delivery, self.now())
        self.deliveries.put(again)
        self.queue.send([again])
        return again


@dataclass(frozen=True)
class Recovered:
    """
    What a recovery has begun again.

    Attributes:
        has_more: Whether there was no time for all.
    """

    count: int
    has_more: bool


@dataclass(frozen=True)
class RecoverDeliveries:
    """
    Tries all failed deliveries to an endpoint again; those that are still being tried stay alone.

    Attributes:
        has_time: Whether there is time for some more.
    """

    endpoints: Endpoints
    deliveries: Deliveries
    queue: DeliveryQueue
    now: Callable[[], datetime]
    has_time: Callable[[], bool]

    def __call__(self, owner: str, endpoint_id: str, since: datetime) -> Recovered:
        """
        Begin what has failed again, the oldest first.

        Whoever calls again while there is more goes on with what is left.

        Args:
            since: Events before are left alone.

        Raises:
            EndpointNotFoundError, EndpointDisabledError: Nothing is delivered to it.
            BackendUnavailableError: Some of them may have been begun again.
        """
        refuse_unreachable(self.endpoints, owner, endpoint_id)
        failed, is_all = self._failed(owner, endpoint_id, since)
        count = 0
        for some in batched(reversed(failed), _SENT_TOGETHER, strict=False):
            if not self.has_time():
                return Recovered(count, has_more=True)
            again = [begun_again(one, self.now()) for one in some]
            for one in again:
                self.deliveries.put(one)
            self.queue.send(again)
            count += len(again)
        return Recovered(count, has_more=not is_all)

    def _failed(
        self, owner: str, endpoint_id: str, since: datetime
    ) -> tuple[Sequence[Delivery], bool]:
        """List what has failed, newest first, as far as there is time; and whether that is all."""
        found: list[Delivery] = []
        after: str | None = None
        while self.has_time() and len(found) < MOST_RECOVERED:
            page, after = self.deliveries.list_deliveries(
                owner,
                endpoint_id,
                status=DeliveryStatus.FAILED,
                since=since,
                limit=_PAGE,
                after=after,
            )
            found += page
            if after is None:
                return found, True
        return found, False


def refuse_unreachable(endpoints: Endpoints, owner: str, endpoint_id: str) -> None:
    """
    Make sure that deliveries to an endpoint are tried.

    Raises:
        EndpointNotFoundError, EndpointDisabledError: They are not.
    """
    # The webhooks of tasks bring their own addresses.
    if endpoint_id == PER_TASK:
        return
    endpoint = endpoints.get(owner, endpoint_id)
    if endpoint is None:
        raise EndpointNotFoundError("there is no such webhook endpoint")
    refuse_disabled(endpoint)
