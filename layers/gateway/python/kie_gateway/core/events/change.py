"""Changes of the record, as its stream tells them, that may be events."""

from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.credits.account import Account
from kie_gateway.core.events.endpoint import Endpoint
from kie_gateway.core.events.event_type import EventType
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.task import Task


@dataclass(frozen=True)
class TaskChange:
    """A move of a task that tells something."""

    type: EventType
    at: datetime
    task: Task


@dataclass(frozen=True)
class BatchChange:
    """A change of a batch; `before` is None for a new one."""

    at: datetime
    before: Batch | None
    batch: Batch


@dataclass(frozen=True)
class AccountChange:
    """A change of an account; `before` is None for a new one."""

    at: datetime
    before: Account | None
    account: Account


@dataclass(frozen=True)
class EndpointChange:
    """A change of a webhook endpoint that tells something."""

    type: EventType
    at: datetime
    endpoint: Endpoint


type Change = TaskChange | BatchChange | AccountChange | EndpointChange
