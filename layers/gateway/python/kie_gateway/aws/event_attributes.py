"""
What an item tells by its last change, for whoever reads the table's stream.

The filter in `template.yaml` looks for the first attribute. Each write of such an item sets both,
or removes them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from kie_gateway.aws.task_item import Item, write_time
from kie_gateway.core.events.event_type import EventType

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

EVENT_ATTRIBUTES = ("event", "event_at")


def write_event(told: EventType | None, at: datetime) -> Item:
    """Write what a change tells; nothing if that is None."""
    if told is None:
        return {}
    return {"event": {"S": told.value}, "event_at": {"S": write_time(at)}}


def read_event(
    item: Mapping[str, "AttributeValueTypeDef"],
) -> tuple[EventType, datetime] | None:
    """Read what the last change has told, and when; None for nothing."""
    if "event" not in item:
        return None
    return EventType(item["event"]["S"]), datetime.fromisoformat(item["event_at"]["S"])
