"""The deployment's event bus."""

import json
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import translated
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.events.event import Event

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "kie-gateway"


class EventBridgeBus:
    """The bus, as flows need it (`core/ports/events.py`)."""

    def __init__(self, client: "EventBridgeClient", bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def put(self, event: Event) -> None:
        """Publish an event. Raises BackendUnavailableError."""
        with translated("EventBridge"):
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._bus_name,
                        "Source": SOURCE,
                        "DetailType": event.type.value,
                        "Time": event.at,
                        # Rules match by owner without looking into the task.
                        "Detail": json.dumps(
                            {**event.body(), "owner": event.owner}, ensure_ascii=False
                        ),
                    }
                ]
            )
        # The call as a whole succeeds even if the entry did not (API_PutEvents).
        if answer["FailedEntryCount"]:
            [entry] = answer["Entries"]
            raise BackendUnavailableError(f"EventBridge took no event: {entry.get('ErrorCode')}")
