"""Try deliveries of events again that have failed, or that their receiver wants once more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from kie_gateway.core.errors.webhook_errors import (
    DeliveryNotFoundError,
    EndpointNotFoundError,
    EventDeletedError,
)
from kie_gateway.core.events.delivery import (
    Delivery,
    DeliveryStatus,
    Trouble,
    begun_again,
    lost,
    without_body,
)
from kie_gateway.core.events.task_webhook import PER_TASK
from kie_gateway.core.ports.deliveries import Deliveries, DeliveryQueue, Endpoints
from kie_gateway.flows.events.manage_endpoints import refuse_disabled

# Of one call: they are in memory before the first is sent.
MOST_RECOVERED = 500
# Most of them are being tried; lost ones behind these are found once the others have ended.
_MOST_PENDING = 5000
_MOST_LISTED = {DeliveryStatus.FAILED: MOST_RECOVERED, DeliveryStatus.PENDING: _MOST_PENDING}
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
            EventDeletedError: Its event is gone with the task.
        """
        delivery = self.deliveries.get(owner, delivery_id)
        if delivery is None:
            raise DeliveryNotFoundError("there is no such delivery")
        refuse_unreachable(self.endpoints, owner, delivery.endpoint_id)
        if delivery.body is None:
            self.deliveries.put(without_body(delivery))
            raise EventDeletedError("the event was deleted with its task")
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

    Whoever begins a delivery again may die before its message is sent. So deliveries that nobody
    works on any more are recovered like failed ones.

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
        failed, are_all = self._list(owner, endpoint_id, DeliveryStatus.FAILED, since)
        count, is_done = self._begin_all(failed)
        if is_done and are_all:
            pending, _ = self._list(owner, endpoint_id, DeliveryStatus.PENDING, since)
            more, is_done = self._begin_all(lost(pending, self.now()))
            count += more
        return Recovered(count, has_more=not (is_done and are_all))

    def _begin_all(self, left: Sequence[Delivery]) -> tuple[int, bool]:
        """Have deliveries tried again while there is time; say how many, and whether it was all."""
        count = 0
        for some in batched(left, _SENT_TOGETHER, strict=False):
            if not self.has_time():
                return count, False
            count += self._begin_again(some)
        return count, True

    def _begin_again(self, some: Sequence[Delivery]) -> int:
        """Have some tried again, and say how many: events that are gone are not."""
        again: list[Delivery] = []
        for listed in some:
            delivery = self.deliveries.get(listed.owner, listed.delivery_id)
            if delivery is None or _has_moved(listed, delivery):
                continue
            if delivery.body is None:
                self.deliveries.put(without_body(delivery))
                continue
            again.append(begun_again(delivery, self.now()))
            self.deliveries.put(again[-1])
        if again:
            self.queue.send(again)
        return len(again)

    def _list(
        self, owner: str, endpoint_id: str, status: DeliveryStatus, since: datetime
    ) -> tuple[Sequence[Delivery], bool]:
        """List deliveries, oldest first, as far as there is time; and say whether that is all."""
        most = _MOST_LISTED[status]
        found: list[Delivery] = []
        after: str | None = None
        while self.has_time() and len(found) < most:
            page, after = self.deliveries.list_deliveries(
                owner, endpoint_id, status=status, since=since, limit=_PAGE, after=after
            )
            found += [one for one in page if one.trouble is not Trouble.TASK_DELETED]
            if after is None:
                return found[::-1], True
        return found[::-1], False


def _has_moved(listed: Delivery, current: Delivery) -> bool:
    """Whether somebody has begun a delivery again meanwhile, or ended it."""
    return (current.beginnings, current.status) != (listed.beginnings, listed.status)


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
