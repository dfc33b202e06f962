"""What of the local cloud may be turned: how late, how busy and how impatient it is."""

from __future__ import annotations

import random
import shlex
import threading
from dataclasses import dataclass, field, fields
from typing import Any

THROTTLES = (
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
)


class DialError(Exception):
    """A dial that does not exist, or a position that it does not have."""


@dataclass
class Dials:
    """
    The positions of every dial; they may be changed while the cloud runs.

    Attributes:
        index_lag_seconds: How late a global secondary index shows what the table holds.
        read_lag_seconds: How late reads are that do not ask for `ConsistentRead`.
        conflict_share: Share of transactions and of single writes that meet a transaction on the
            same item, 0 to 1, whatever else happens.
        conflict_next: How many of the next ones do so in any case; counts down.
        throttle_share: Share of DynamoDB's calls that are throttled, 0 to 1.
        throttle_next: How many of the next calls are throttled in any case; counts down.
        throttle_error: As which of the three errors of a table with capacity on demand.
        retry_seconds: When a message comes back whose function failed and has not set its
            visibility, doubling up to a minute; 0 leaves it to the queue's visibility timeout.
        queue_concurrency: Most messages of one queue that are worked on at once on this machine.
        queue_repeat_share: Share of messages that come a second time although they were worked
            off, 0 to 1: queues and streams deliver at least once.
        stream_repeat_share: The same for batches of stream records.
        events_fail_share: Share of the entries of PutEvents that EventBridge fails, 0 to 1.

    """

    index_lag_seconds: float = 0.0
    read_lag_seconds: float = 0.0
    conflict_share: float = 0.0
    conflict_next: int = 0
    throttle_share: float = 0.0
    throttle_next: int = 0
    throttle_error: str = THROTTLES[0]
    retry_seconds: float = 0.0
    queue_concurrency: int = 8
    queue_repeat_share: float = 0.0
    stream_repeat_share: float = 0.0
    events_fail_share: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def set(self, name: str, value: Any) -> None:
        """
        Turn one dial; texts are read as what the dial takes.

        Raises:
            DialError: There is no such dial, or no such position.

        """
        if name not in positions(self):
            raise DialError(
                f"{name}: there is no such dial; there are {', '.join(positions(self))}"
            )
        try:
            chosen = type(getattr(self, name))(value)
        except (TypeError, ValueError) as exc:
            raise DialError(f"{name}={value} is not a number") from exc
        most = 1.0 if name.endswith("_share") else float("inf")
        if name == "throttle_error":
            if chosen not in THROTTLES:
                raise DialError(f"{name} must be one of {', '.join(THROTTLES)}")
        elif not 0 <= chosen <= most:
            raise DialError(f"{name}={value} is out of range")
        with self._lock:
            setattr(self, name, chosen)

    def takes_conflict(self) -> bool:
        """Return whether this write meets a transaction."""
        return self._takes("conflict")

    def takes_throttle(self) -> bool:
        """Return whether this call is throttled."""
        return self._takes("throttle")

    def takes_share(self, what: str) -> bool:
        """Return whether this time is one of the share of `{what}_share`."""
        share: float = getattr(self, f"{what}_share")
        return share > 0 and random.random() < share  # noqa: S311 - no secret

    def _takes(self, what: str) -> bool:
        with self._lock:
            left: int = getattr(self, f"{what}_next")
            if left > 0:
                setattr(self, f"{what}_next", left - 1)
                return True
        return self.takes_share(what)


def positions(dials: Dials) -> dict[str, Any]:
    """Read every dial."""
    return {f.name: getattr(dials, f.name) for f in fields(dials) if not f.name.startswith("_")}


def parse(text: str, **defaults: Any) -> Dials:
    """
    Read dials such as `index_lag_seconds=0.5 conflict_share=0.05`.

    Raises:
        DialError: Something in it is no dial.

    """
    dials = Dials(**defaults)
    for word in shlex.split(text):
        name, sign, value = word.partition("=")
        if not sign:
            raise DialError(f"{word}: dials are written as name=value")
        dials.set(name, value)
    return dials
