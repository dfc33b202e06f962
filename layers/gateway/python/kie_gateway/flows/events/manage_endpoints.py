"""Create, change and delete webhook endpoints, rotate their secrets, and try them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.core.errors.storage_errors import SourceForbiddenError
from kie_gateway.core.errors.webhook_errors import (
    EndpointDisabledError,
    EndpointNotFoundError,
    TooManyEndpointsError,
)
from kie_gateway.core.events.delivery import Delivery
from kie_gateway.core.events.endpoint import (
    MOST_ENDPOINTS,
    DisabledReason,
    Endpoint,
    EndpointStatus,
    after_success,
    disabled,
    enabled,
    rotated,
)
from kie_gateway.core.events.event import Event
from kie_gateway.core.events.event_type import EventType
from kie_gateway.core.events.new_delivery import new_delivery
from kie_gateway.core.events.task_webhook import PER_TASK
from kie_gateway.core.events.webhook_hosts import WebhookHosts
from kie_gateway.core.events.webhook_secret import newest_secret
from kie_gateway.core.ports.deliveries import Deliveries, DeliveryQueue, Endpoints


@dataclass(frozen=True)
class NewEndpoint:
    """
    What a webhook endpoint shall be.

    Attributes:
        events: Types that it is told of; empty for all.
    """

    owner: str
    url: str
    events: Sequence[EventType] = ()
    description: str = ""


@dataclass(frozen=True)
class IssuedEndpoint:
    """An endpoint with its secret, which is shown once."""

    endpoint: Endpoint
    secret: str


@dataclass(frozen=True)
class EndpointUpdate:
    """What of an endpoint is to be changed; None for what stays as it is."""

    url: str | None = None
    events: Sequence[EventType] | None = None
    description: str | None = None
    status: EndpointStatus | None = None


@dataclass(frozen=True)
class CheckAddress:
    """Checks addresses of receivers by the letter; where a name leads is seen at each delivery."""

    hosts: WebhookHosts

    def __call__(self, url: str) -> None:
        """Check an address. Raises InvalidRequestError."""
        try:
            self.hosts.check(url)
        except SourceForbiddenError as error:
            raise InvalidRequestError(error.message, [FieldFault("/url", error.message)]) from None


@dataclass(frozen=True)
class CreateEndpoint:
    """
    Creates webhook endpoints.

    Attributes:
        check_url: Raises InvalidRequestError if an address is none that is delivered to.
        signing_secret: Of the deployment. Raises ConfigurationError.
    """

    endpoints: Endpoints
    check_url: Callable[[str], None]
    signing_secret: Callable[[], str]
    new_endpoint_id: Callable[[], str]
    now: Callable[[], datetime]

    def __call__(self, new: NewEndpoint) -> IssuedEndpoint:
        """
        Create an endpoint.

        Raises:
            InvalidRequestError: Nothing is delivered to its address.
            TooManyEndpointsError: The owner has as many as it may.
        """
        self.check_url(new.url)
        if len(self.endpoints.of_owner(new.owner)) >= MOST_ENDPOINTS:
            raise TooManyEndpointsError(f"the limit is {MOST_ENDPOINTS}; delete one first")
        endpoint = Endpoint(
            endpoint_id=self.new_endpoint_id(),
            owner=new.owner,
            url=new.url,
            created_at=self.now(),
            events=_each_once(new.events),
            description=new.description,
        )
        secret = newest_secret(self.signing_secret(), endpoint.owner, endpoint)
        self.endpoints.create(endpoint)
        return IssuedEndpoint(endpoint, secret)


@dataclass(frozen=True)
class UpdateEndpoint:
    """
    Changes webhook endpoints.

    Attributes:
        check_url: As for new ones.
    """

    endpoints: Endpoints
    check_url: Callable[[str], None]
    now: Callable[[], datetime]

    def __call__(self, endpoint: Endpoint, update: EndpointUpdate) -> Endpoint:
        """Change an endpoint. Raises EndpointNotFoundError, InvalidRequestError."""
        if update.url is not None:
            self.check_url(update.url)
        now = self.now()

        def decide(current: Endpoint) -> Endpoint | None:
            after = _updated(current, update, now)
            return after if after != current else None

        return _still_there(self.endpoints.move(endpoint, decide, now))


def _updated(current: Endpoint, update: EndpointUpdate, now: datetime) -> Endpoint:
    after = current
    if update.url is not None and update.url != current.url:
        # What failed there says nothing of the new address.
        after = after_success(replace(after, url=update.url))
    if update.events is not None:
        after = replace(after, events=_each_once(update.events))
    if update.description is not None:
        after = replace(after, description=update.description)
    if update.status in (None, after.status):
        return after
    if update.status is EndpointStatus.ENABLED:
        return enabled(after)
    return disabled(after, DisabledReason.BY_OWNER, now)


@dataclass(frozen=True)
class RotateSecret:
    """
    Rotates the secrets of endpoints, and those of owners' tasks; the old one signs for a day.

    Attributes:
        signing_secret: Of the deployment. Raises ConfigurationError.
    """

    endpoints: Endpoints
    signing_secret: Callable[[], str]
    now: Callable[[], datetime]

    def __call__(self, owner: str, endpoint_id: str) -> IssuedEndpoint:
        """Rotate the secret of an endpoint. Raises EndpointNotFoundError."""
        signing_secret, now = self.signing_secret(), self.now()
        endpoint = self.endpoints.get(owner, endpoint_id)
        if endpoint is None and endpoint_id == PER_TASK:
            # Nothing is kept of it before the first rotation.
            endpoint = Endpoint(PER_TASK, owner, url="", created_at=now)
            self.endpoints.create(endpoint)
        endpoint = _still_there(endpoint)
        after = self.endpoints.move(endpoint, lambda current: rotated(current, now), now)
        after = _still_there(after)
        return IssuedEndpoint(after, newest_secret(signing_secret, owner, after))


@dataclass(frozen=True)
class ShowTaskSecret:
    """
    Shows the secret that signs the webhooks of an owner's tasks, until it is first rotated.

    Attributes:
        signing_secret: Of the deployment. Raises ConfigurationError.
    """

    endpoints: Endpoints
    signing_secret: Callable[[], str]

    def __call__(self, owner: str) -> str | None:
        """Return the secret, None once it was rotated: from then on, only a rotation shows one."""
        kept = self.endpoints.get(owner, PER_TASK)
        if kept is not None and kept.rotated_at is not None:
            return None
        return newest_secret(self.signing_secret(), owner, None)


@dataclass(frozen=True)
class DeleteEndpoint:
    """Deletes webhook endpoints; what is still to be delivered to one ends as failed."""

    endpoints: Endpoints

    def __call__(self, endpoint: Endpoint) -> None:
        """Delete an endpoint."""
        self.endpoints.delete(endpoint.owner, endpoint.endpoint_id)


@dataclass(frozen=True)
class SendTestEvent:
    """Sends events to endpoints to see whether they arrive."""

    deliveries: Deliveries
    queue: DeliveryQueue
    new_event_id: Callable[[], str]
    now: Callable[[], datetime]

    def __call__(self, endpoint: Endpoint) -> Delivery:
        """Deliver an event to an endpoint, and to no other. Raises EndpointDisabledError."""
        refuse_disabled(endpoint)
        event = Event(
            self.new_event_id(),
            EventType.WEBHOOK_TEST,
            self.now(),
            endpoint.owner,
            endpoint.endpoint_id,
            {"endpoint_id": endpoint.endpoint_id},
        )
        delivery = self.deliveries.create(new_delivery(event, endpoint.endpoint_id))
        self.queue.send([delivery])
        return delivery


def refuse_disabled(endpoint: Endpoint) -> None:
    """Make sure that an endpoint is delivered to. Raises EndpointDisabledError."""
    if not endpoint.is_enabled:
        raise EndpointDisabledError("the endpoint is disabled; enable it first")


def _still_there(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise EndpointNotFoundError("there is no such webhook endpoint")
    return endpoint


def _each_once(types: Sequence[EventType]) -> tuple[EventType, ...]:
    return tuple(dict.fromkeys(types))
