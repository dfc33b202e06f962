"""The event bus, as flows need it; `aws/event_bus.py` provides it."""

from typing import Protocol

from kie_gateway.core.events.event import Event


class EventBus(Protocol):
    """The deployment's event bus, for whoever runs on AWS already."""

    def put(self, event: Event) -> None:
        """Publish an event. Raises BackendUnavailableError."""
