"""
The channels of live updates: `/tasks/<owner>/<period>/<subject>`.

A connection stays open when the token that opened it expires: the engine looks at tokens only when
somebody connects or subscribes. So the channels change every quarter of an hour, a *period*, and a
token subscribes to no period that begins after its end. A name has up to five segments of up to 50
letters, digits and dashes
(https://docs.aws.amazon.com/appsync/latest/eventapi/channel-namespaces.html).
"""

import hashlib
from datetime import UTC, datetime

NAMESPACE = "tasks"
PERIOD_SECONDS = 900
ALL = "*"


def period_of(moment: datetime) -> int:
    """Return the number of the period that a moment is in."""
    return int(moment.timestamp()) // PERIOD_SECONDS


def period_begins(period: int) -> datetime:
    """Return the moment at which a period begins."""
    return datetime.fromtimestamp(period * PERIOD_SECONDS, UTC)


def owner_segment(owner: str) -> str:
    """Return what stands for an owner, whose name is nobody's business."""
    return hashlib.sha256(owner.encode()).hexdigest()[:32]


def subject_segment(subject_id: str) -> str:
    """Return what stands for a task, a batch or the like: its id without an underscore."""
    return subject_id.replace("_", "-")


def channel_name(owner: str, period: int, subject: str) -> str:
    """
    Return the name of a channel.

    Args:
        owner: As `owner_segment` writes it.
        subject: As `subject_segment` writes it, or `ALL`.
    """
    return f"/{NAMESPACE}/{owner}/{period}/{subject}"
