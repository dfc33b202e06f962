"""
Names of channels, as AppSync Events takes them.

https://docs.aws.amazon.com/appsync/latest/eventapi/channel-namespaces.html: up to five segments, of
which the first is a namespace; a subscription may end in `*`, which stands for all below.
https://docs.aws.amazon.com/appsync/latest/APIReference/API_ChannelNamespace.html has the pattern.
"""

from __future__ import annotations

import re

SEGMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?")
MOST_SEGMENTS = 5

type Channel = tuple[str, ...]


class ChannelError(Exception):
    """No name of a channel; the message says why."""


def read(text: object, *, may_end_in_wildcard: bool = False) -> Channel:
    """
    Read the name of a channel; the slash before it may be left out.

    Raises:
        ChannelError: It is none.

    """
    if not isinstance(text, str):
        raise ChannelError("the channel must be a string")
    segments = text.removeprefix("/").split("/")
    if len(segments) > MOST_SEGMENTS:
        raise ChannelError(f"a channel has up to {MOST_SEGMENTS} segments")
    fixed = segments[:-1] if may_end_in_wildcard and segments[-1] == "*" else segments
    if not fixed or not all(SEGMENT.fullmatch(segment) for segment in fixed):
        raise ChannelError("a segment has 1 to 50 letters, digits and dashes")
    return tuple(segments)


def covers(subscribed: Channel, published: Channel) -> bool:
    """Return whether what is published to a channel reaches a subscription."""
    if subscribed[-1] != "*":
        return subscribed == published
    above = subscribed[:-1]
    return len(published) > len(above) and published[: len(above)] == above
