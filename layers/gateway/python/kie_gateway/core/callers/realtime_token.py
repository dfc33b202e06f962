"""
Tokens that let a browser follow tasks: what they open, until when, and nothing else.

A token is `<what it opens>.<signature>`, both URL-safe. The first half can be read by whoever has
the token, so it has an owner's segment and no owner's name.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from kie_gateway.core.live.channels import (
    ALL,
    NAMESPACE,
    channel_name,
    period_begins,
    period_of,
    subject_segment,
)

PURPOSE = "realtime"
LONGEST_SECONDS = 3600
# A connection may have 100 subscriptions (https://docs.aws.amazon.com/general/latest/gr/appsync.html),
# and an hour lies in up to five periods.
MOST_TASKS = 20


@dataclass(frozen=True)
class RealtimeGrant:
    """
    What a token opens.

    Attributes:
        owner: As `owner_segment` writes it.
        subjects: As `subject_segment` writes them; None for everything of the owner's.
        expires_at: A whole second.
    """

    owner: str
    subjects: tuple[str, ...] | None
    expires_at: datetime

    def channels(self, now: datetime) -> list[str]:
        """List the channels to subscribe to, from now to the end of the token."""
        subjects = (ALL,) if self.subjects is None else self.subjects
        return [
            channel_name(self.owner, period, subject)
            for period in self._periods(now)
            for subject in subjects
        ]

    def opens(self, channel: str) -> bool:
        """Whether a channel may be subscribed to, as long as the token is good."""
        match channel.strip("/").split("/"):
            case [namespace, owner, period, subject] if namespace == NAMESPACE:
                return (
                    hmac.compare_digest(owner.encode(), self.owner.encode())
                    and self._has_begun_by_the_end(period)
                    and (self.subjects is None or subject in self.subjects)
                )
        return False

    def _periods(self, now: datetime) -> Iterator[int]:
        period = period_of(now)
        while period_begins(period) < self.expires_at:
            yield period
            period += 1

    def _has_begun_by_the_end(self, period: str) -> bool:
        # Longer numbers are no dates.
        if not (period.isascii() and period.isdecimal() and len(period) <= 8):
            return False
        return period_begins(int(period)) < self.expires_at


def grant_of(owner: str, task_ids: tuple[str, ...] | None, expires_at: datetime) -> RealtimeGrant:
    """
    Return what a token for some tasks opens, or one for all.

    Args:
        owner: As `owner_segment` writes it.
    """
    subjects = None if task_ids is None else tuple(subject_segment(one) for one in task_ids)
    return RealtimeGrant(owner, subjects, expires_at)


def write_token(grant: RealtimeGrant, key: bytes) -> str:
    """Write and sign a token."""
    told = {"o": grant.owner, "e": int(grant.expires_at.timestamp())}
    if grant.subjects is not None:
        told["s"] = list(grant.subjects)
    payload = _encoded(json.dumps(told, separators=(",", ":")).encode())
    return f"{payload}.{_signature(payload, key)}"


def read_token(token: str, key: bytes, now: datetime) -> RealtimeGrant | None:
    """Return what a token opens; None if it is forged or has expired."""
    payload, _, signature = token.partition(".")
    if not hmac.compare_digest(
        signature.encode("utf-8", "surrogatepass"), _signature(payload, key).encode()
    ):
        return None
    told = json.loads(_decoded(payload))
    grant = RealtimeGrant(
        owner=told["o"],
        subjects=tuple(told["s"]) if "s" in told else None,
        expires_at=datetime.fromtimestamp(told["e"], UTC),
    )
    return grant if now < grant.expires_at else None


def _signature(payload: str, key: bytes) -> str:
    text = payload.encode("utf-8", "surrogatepass")
    return _encoded(hmac.new(key, text, hashlib.sha256).digest())


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
