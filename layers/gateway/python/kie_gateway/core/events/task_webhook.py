"""The webhook that a task brings along."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from kie_gateway.core.events.event_type import EventType

# Stands for all tasks' own webhooks where an endpoint's id is expected.
PER_TASK = "per-task"


@dataclass(frozen=True)
class TaskWebhook:
    """
    Where the events of one task are delivered.

    Attributes:
        events: Types that it is told of; empty for all.
    """

    url: str
    events: tuple[EventType, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Read what `asdict` has written."""
        return cls(values["url"], tuple(EventType(one) for one in values["events"]))

    def wants(self, type_: EventType) -> bool:
        """Whether it is told of such events."""
        return not self.events or type_ in self.events
