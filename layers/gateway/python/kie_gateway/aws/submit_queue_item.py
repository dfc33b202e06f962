"""How the submit queue's state is written as an item of the table."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from kie_gateway.core.submit_queue import SubmitQueueState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

type Values = dict[str, "AttributeValueTypeDef"]


@dataclass(frozen=True)
class QueueItem:
    """
    The item as it is.

    Attributes:
        begun: Tells this queue from earlier ones.
        permits: When the last creations were sent, or will be.
        permits_version: Grows with every change of them.
    """

    state: SubmitQueueState
    begun: str
    permits: tuple[datetime, ...]
    permits_version: int


def read_queue_item(item: Values) -> QueueItem:
    """Read the item."""
    state = SubmitQueueState(
        since=moment_of(item["since"]["N"]),
        tickets=int(item["tickets"]["N"]),
        not_before=moment_of(item["not_before"]["N"]),
        turn=int(item["turn"]["N"]),
        for_credits=item["for_credits"]["BOOL"],
        funds=Decimal(item["funds"]["N"]) if "funds" in item else None,
        refusals=int(item.get("refusals", {"N": "0"})["N"]),
    )
    permits = tuple(moment_of(moment["N"]) for moment in item["permits"]["L"])
    return QueueItem(state, item["begun"]["N"], permits, int(item["permits_version"]["N"]))


def unless_moved(found: QueueItem) -> tuple[str, Values]:
    """Return the condition that nobody has moved the queue since, with its values."""
    return "since = :since AND tickets = :tickets", {
        ":since": {"N": millis(found.state.since)},
        ":tickets": {"N": str(found.state.tickets)},
    }


def millis(moment: datetime) -> str:
    """Write a moment, in milliseconds of Unix time."""
    return str(round(moment.timestamp() * 1000))


def moment_of(millis: str) -> datetime:
    """Read a moment."""
    return datetime.fromtimestamp(int(millis) / 1000, UTC)
