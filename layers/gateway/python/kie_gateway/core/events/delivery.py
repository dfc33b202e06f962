"""
Deliveries of events to webhook endpoints: what is kept of each, and when it is tried again.

The schedule is that of Standard Webhooks
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from kie_gateway.core.events.endpoint import PREFIX
from kie_gateway.core.events.event_type import EventType
from kie_gateway.core.events.task_webhook import PER_TASK

KEPT = timedelta(days=30)
# A queue hides no message longer than twelve hours (SQS, ChangeMessageVisibility).
LONGEST_PAUSE = timedelta(hours=11, minutes=50)
# What is kept of an answer.
MOST_ANSWER_BYTES = 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GONE, _RETRY_LATER = 410, (429, 503)
# A message that is left shows within this time of the moment it is due.
_MESSAGE_AWAITED = timedelta(hours=1)


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Trouble(StrEnum):
    """Why no answer came."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    REFUSED_ADDRESS = "refused_address"
    DISABLED = "endpoint_disabled"
    DELETED = "endpoint_deleted"
    TASK_DELETED = "task_deleted"


@dataclass(frozen=True)
class Attempt:
    """
    One try to deliver an event.

    Attributes:
        milliseconds: Until the answer came, or nobody waited for it any more.
        status: HTTP status code of the answer; None if there was none.
        answer: The beginning of it.
        retry_after_seconds: How long the receiver wants to be left alone.
    """

    at: datetime
    milliseconds: int
    status: int | None = None
    trouble: Trouble | None = None
    answer: str = ""
    retry_after_seconds: int | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver said that it is gone for good."""
        return self.status == _GONE

    @property
    def let_wait(self) -> bool:
        """Whether the receiver did not answer in time, or could not be reached."""
        return self.trouble in (Trouble.TIMEOUT, Trouble.UNREACHABLE)


@dataclass(frozen=True)
class Delivery:
    """
    An event on its way to an endpoint.

    Attributes:
        url: Where it goes if the endpoint is only that of a task; None for that of the endpoint.
        about: What the event is about; deliveries about the same come one after the other.
        body: The event as JSON, byte for byte as it is signed. None if the task that it is about
            has been deleted, and in lists, which do not read it.
        beginnings: How often it was begun: once, and once more with each retry by hand.
        tries: How many there were since it was last begun.
        attempts: The last ones, oldest first.
        next_at: When it is tried again; None once it has ended.
    """

    delivery_id: str
    endpoint_id: str
    owner: str
    event_id: str
    type: EventType
    about: str
    created_at: datetime
    body: str | None
    url: str | None = None
    status: DeliveryStatus = DeliveryStatus.PENDING
    trouble: Trouble | None = None
    beginnings: int = 1
    tries: int = 0
    attempts: tuple[Attempt, ...] = ()
    next_at: datetime | None = None


# More than these are not kept.
MOST_ATTEMPTS = 20


_ID = re.compile(rf"dlv_({PER_TASK}|[0-9a-z]{{26}})_([0-9]{{1,15}})_(\S{{1,200}})")


class DeliveryPlace(NamedTuple):
    """
    Where a delivery lies, beside its owner.

    Attributes:
        moment: Of its event, in unix milliseconds.
        event: Id of its event, without the prefix.
    """

    endpoint_id: str
    moment: int
    event: str

    @property
    def delivery_id(self) -> str:
        """The id of the delivery, which says by itself where it lies."""
        return f"dlv_{self.endpoint_id.removeprefix(PREFIX)}_{self.moment}_{self.event}"


def delivery_id(endpoint_id: str, event_id: str, at: datetime) -> str:
    """Return the id of the delivery of an event."""
    return DeliveryPlace(
        endpoint_id, unix_milliseconds(at), event_id.removeprefix("evt_")
    ).delivery_id


def delivery_place(delivery_id_: str) -> DeliveryPlace | None:
    """Return where the delivery of an id lies; None if that is no id of a delivery."""
    found = _ID.fullmatch(delivery_id_)
    if found is None:
        return None
    endpoint_id = found[1] if found[1] == PER_TASK else f"{PREFIX}{found[1]}"
    return DeliveryPlace(endpoint_id, int(found[2]), found[3])


def unix_milliseconds(at: datetime) -> int:
    """Return the whole milliseconds until a moment, counted without a detour over fractions."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def after_attempt(
    delivery: Delivery,
    attempt: Attempt,
    schedule: Sequence[timedelta],
    jitter: float,
) -> Delivery:
    """
    Note a try, and say when the next one is.

    Args:
        schedule: Pauses after the first try, the second, and so on; after the last there is none.
        jitter: From 0 to 1; pauses grow by up to a tenth of themselves.
    """
    tries = delivery.tries + 1
    after = replace(delivery, tries=tries, attempts=(*delivery.attempts, attempt)[-MOST_ATTEMPTS:])
    if attempt.is_delivered:
        return replace(after, status=DeliveryStatus.DELIVERED, trouble=None, next_at=None)
    if attempt.is_gone or tries > len(schedule):
        return replace(after, status=DeliveryStatus.FAILED, trouble=attempt.trouble, next_at=None)
    pause = schedule[tries - 1] * (1 + jitter / 10)
    if attempt.retry_after_seconds is not None and attempt.status in _RETRY_LATER:
        pause = max(pause, timedelta(seconds=attempt.retry_after_seconds))
    return replace(after, trouble=attempt.trouble, next_at=attempt.at + min(pause, LONGEST_PAUSE))


def given_up(delivery: Delivery, trouble: Trouble) -> Delivery:
    """End a delivery without a further try."""
    return replace(delivery, status=DeliveryStatus.FAILED, trouble=trouble, next_at=None)


def without_body(delivery: Delivery) -> Delivery:
    """End a delivery whose event is gone with its task, unless it has come through before."""
    if delivery.status is DeliveryStatus.DELIVERED:
        return delivery
    return given_up(delivery, Trouble.TASK_DELETED)


def lost(pending: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """
    Return the pending deliveries to an endpoint that nobody works on: they have no message.

    Whoever had begun them died before the message was sent. One that is overdue because another
    about the same is to be tried before it is not lost.

    Args:
        pending: Oldest first.
    """
    found, led = list[Delivery](), set[tuple[str, int]]()
    for one in pending:
        group = (one.about, one.beginnings)
        if one.next_at is None or one.next_at >= now - _MESSAGE_AWAITED:
            led.add(group)
        elif group not in led:
            found.append(one)
    return found


def begun_again(delivery: Delivery, now: datetime) -> Delivery:
    """Try a delivery once more from the beginning; what was tried before stays noted."""
    return replace(
        delivery,
        status=DeliveryStatus.PENDING,
        trouble=None,
        beginnings=delivery.beginnings + 1,
        tries=0,
        next_at=now,
    )
