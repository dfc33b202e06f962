"""What an event is, and which changes of a task, a batch or an account are one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from kie_gateway.core.credits.account import Account
from kie_gateway.core.events.event_type import EventType
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.task import Status, Task

_OF_STATUS = {
    Status.RUNNING: EventType.TASK_RUNNING,
    Status.STORING: EventType.TASK_STORING,
    Status.SUCCEEDED: EventType.TASK_SUCCEEDED,
    Status.FAILED: EventType.TASK_FAILED,
    Status.CANCELED: EventType.TASK_CANCELED,
    Status.EXPIRED: EventType.TASK_EXPIRED,
}


@dataclass(frozen=True)
class Event:
    """
    An event.

    Attributes:
        event_id: The same however often the event is made of the same change.
        about: Id of the task, the batch or the endpoint, or the owner of the account; events about
            the same are delivered in order.
        data: As the API shows what it is about, without links that end.
    """

    event_id: str
    type: EventType
    at: datetime
    owner: str
    about: str
    data: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        """Return the event as receivers get it."""
        return {
            "id": self.event_id,
            "type": self.type.value,
            "timestamp": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "data": self.data,
        }

    def text(self) -> str:
        """Return the event as JSON, the same each time."""
        return json.dumps(self.body(), ensure_ascii=False, separators=(",", ":"))


def event_of_move(before: Task | None, after: Task) -> EventType | None:
    """
    Return what a move of a task tells the world; None if it tells nothing.

    Args:
        before: None for a new task.
    """
    if after.deleted_at is not None:
        return None
    if before is None or before.status is not after.status:
        if after.status is Status.SUCCEEDED and after.has_expired:
            return EventType.TASK_RECOVERED
        return _OF_STATUS.get(after.status)
    is_new = after.attention is not None and after.attention is not before.attention
    return EventType.TASK_ATTENTION if is_new else None


def is_completion(before: Batch | None, after: Batch) -> bool:
    """Whether a change of a batch is its end."""
    was_complete = before is not None and before.completed_at is not None
    return after.completed_at is not None and not was_complete


def is_low(before: Account | None, after: Account, low: Decimal) -> bool:
    """Whether a change of an account has brought its balance below `low` credits."""
    if after.unlimited or before is None or before.unlimited:
        return False
    return after.balance < low <= before.balance


def task_event_id(task_id: str, version: int) -> str:
    """Return the id of the event that a version of a task's record tells."""
    return f"evt_{task_id.removeprefix('task_')}_{version}"
