"""Webhook endpoints: where an owner wants to be told, and when nobody is told there any more."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from kie_gateway.core.events.event_type import EventType

PREFIX = "we_"
_ID = re.compile(rf"{PREFIX}[0-9a-z]{{26}}")
MOST_ENDPOINTS = 20
# After so long without a delivery that came through, though some were tried.
DISABLED_AFTER = timedelta(days=5)
# The old secret signs as well for so long.
ROTATION = timedelta(hours=24)
# While an endpoint lets callers wait for nothing, it is tried more and more rarely.
# Longer than one delivery takes.
_PROBE = timedelta(seconds=30)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=10)


class EndpointStatus(StrEnum):
    """Whether an endpoint is delivered to."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DisabledReason(StrEnum):
    """Why an endpoint is not delivered to."""

    BY_OWNER = "by_owner"
    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True)
class Endpoint:
    """
    A webhook endpoint.

    Attributes:
        events: Types that it is told of; empty for all.
        secret_number: Which of its secrets signs; it grows with each rotation.
        rotated_at: When the secret was last rotated; the one before signs as well for a day.
        failing_since: When the first delivery failed since one came through.
        paused_until: When it is tried again, after it has let a delivery wait for nothing.
        pauses: How often that happened since a delivery came through.
    """

    endpoint_id: str
    owner: str
    url: str
    created_at: datetime
    events: tuple[EventType, ...] = ()
    description: str = ""
    status: EndpointStatus = EndpointStatus.ENABLED
    disabled_reason: DisabledReason | None = None
    disabled_at: datetime | None = None
    secret_number: int = 1
    rotated_at: datetime | None = None
    failing_since: datetime | None = None
    paused_until: datetime | None = None
    pauses: int = 0
    version: int = 1

    @property
    def is_enabled(self) -> bool:
        """Whether it is delivered to."""
        return self.status is EndpointStatus.ENABLED

    def wants(self, type_: EventType) -> bool:
        """Whether it is told of such events."""
        return not self.events or type_ in self.events

    def signing_numbers(self, now: datetime) -> Sequence[int]:
        """Return which of its secrets sign, the newest first."""
        overlaps = self.rotated_at is not None and now < self.rotated_at + ROTATION
        return [self.secret_number, self.secret_number - 1] if overlaps else [self.secret_number]


def is_endpoint_id(text: str) -> bool:
    """Whether something looks like the id of an endpoint."""
    return _ID.fullmatch(text) is not None


def disabled(endpoint: Endpoint, reason: DisabledReason, now: datetime) -> Endpoint:
    """Deliver nothing to an endpoint any more."""
    return replace(
        endpoint,
        status=EndpointStatus.DISABLED,
        disabled_reason=reason,
        disabled_at=now,
        paused_until=None,
        pauses=0,
    )


def enabled(endpoint: Endpoint) -> Endpoint:
    """Deliver to an endpoint again, as if nothing had ever failed."""
    return replace(
        endpoint,
        status=EndpointStatus.ENABLED,
        disabled_reason=None,
        disabled_at=None,
        failing_since=None,
        paused_until=None,
        pauses=0,
    )


def rotated(endpoint: Endpoint, now: datetime) -> Endpoint:
    """Sign with a new secret, and for a day with the old one as well."""
    return replace(endpoint, secret_number=endpoint.secret_number + 1, rotated_at=now)


def after_success(endpoint: Endpoint) -> Endpoint:
    """Forget what failed before a delivery that came through."""
    return replace(endpoint, failing_since=None, paused_until=None, pauses=0)


def probed(endpoint: Endpoint, now: datetime) -> Endpoint | None:
    """
    Let one delivery find out whether an endpoint that was paused answers again; the others wait.

    Returns:
        The endpoint, paused for as long as that may take; None if another delivery finds out.
    """
    if endpoint.paused_until is not None and now < endpoint.paused_until:
        return None
    return replace(endpoint, paused_until=now + _PROBE)


def after_failure(
    endpoint: Endpoint, *, gone: bool, let_wait: bool, is_probe: bool = False, now: datetime
) -> Endpoint:
    """
    Note that a delivery failed.

    Args:
        gone: Whether the receiver said that it is for good (410).
        let_wait: Whether it did not answer in time, or could not be reached.
        is_probe: Whether the delivery was to find out whether it answers again.
    """
    if not endpoint.is_enabled:
        return endpoint
    if gone:
        return disabled(endpoint, DisabledReason.GONE, now)
    since = endpoint.failing_since or now
    if now - since >= DISABLED_AFTER:
        return disabled(replace(endpoint, failing_since=since), DisabledReason.FAILING, now)
    if not let_wait:
        # Whatever it says, it is there.
        return replace(endpoint, failing_since=since, paused_until=None, pauses=0)
    is_paused = endpoint.paused_until is not None and now < endpoint.paused_until
    if is_paused and not is_probe:
        return replace(endpoint, failing_since=since)
    pause = min(_FIRST_PAUSE * 2**endpoint.pauses, _LONGEST_PAUSE)
    return replace(
        endpoint, failing_since=since, paused_until=now + pause, pauses=min(endpoint.pauses + 1, 10)
    )
