"""What leaves the gateway: the table's stream and the delivery queue, by the world's clock."""

from typing import Any

from dev.cloud import LocalCloud
from tests.functional.agenda import Agenda

QUEUE = "DeliveryQueue"


class Outgoing:
    """Feeds EventsFunction and DeliverFunction, as their event source mappings do."""

    def __init__(self, cloud: LocalCloud, agenda: Agenda) -> None:
        self._cloud = cloud
        self._agenda = agenda
        self._planned: set[float] = set()
        self._seen = 0

    def work(self) -> bool:
        """Have one batch worked off; False if there is nothing to be done at this moment."""
        sources = self._cloud.sources
        if sources.pump_stream() or sources.pump_queue(QUEUE):
            return True
        for due in (sources.stream_due_at(), sources.queue_due_at(QUEUE)):
            if due is not None and due > self._agenda.time() and due not in self._planned:
                self._planned.add(due)
                self._agenda.at(due, lambda: None)
        return False

    def on_the_bus(self) -> list[dict[str, Any]]:
        """List the events that the bus got since the last call, in order."""
        new = self._cloud.events.since(self._seen)
        self._seen = max((one.number for one in new), default=self._seen)
        return [dict(one.event["detail"]) for one in new]
