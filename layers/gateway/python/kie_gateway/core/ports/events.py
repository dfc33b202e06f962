"""Where events go, as flows need it; `aws/` provides it."""

from typing import Protocol

from kie_gateway.core.events.event import Event


class EventBus(Protocol):
    """The deployment's event bus, for whoever runs on AWS already."""

    def put(self, event: Event) -> None:
        """Publish an event. Raises BackendUnavailableError."""


class LiveUpdates(Protocol):
    """Those who are connected."""

    def publish(self, event: Event) -> None:
        """Tell those who are connected and may see it. Raises BackendUnavailableError."""
