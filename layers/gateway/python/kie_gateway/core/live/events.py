"""Events as live updates carry them."""

import json

# https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-concepts.html: 240 KB.
LARGEST_EVENT_BYTES = 240 * 1000
# https://docs.aws.amazon.com/appsync/latest/eventapi/publish-http.html
MOST_EVENTS_AT_ONCE = 5
# What tells a page what has happened, and what to read.
_KEPT = ("id", "object", "status", "attention", "group_status", "urls")


def fitting(event: str) -> str:
    """
    Return an event as it may be published: one that is too large is cut to a reference.

    Args:
        event: JSON, `{id, type, timestamp, data}`.

    Returns:
        The event itself, or one whose `data` has but an id, a status and links, and `truncated`.
    """
    if len(event.encode()) <= LARGEST_EVENT_BYTES:
        return event
    whole = json.loads(event)
    data = {name: whole["data"][name] for name in _KEPT if name in whole["data"]}
    return json.dumps({**whole, "data": {**data, "truncated": True}}, separators=(",", ":"))
