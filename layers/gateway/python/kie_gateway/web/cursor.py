"""Cursors of lists: opaque to callers, a place among task ids to us."""

import base64
import binascii
import re

from kie_gateway.core.errors import FieldFault, InvalidRequestError

_PLACE = re.compile(r"after:(task_[0-9a-z]{26})")


def write_cursor(task_id: str) -> str:
    """Point behind a task."""
    return base64.urlsafe_b64encode(f"after:{task_id}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """
    Find the task a cursor points behind.

    Raises:
        InvalidRequestError: It is none of ours.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        place = ""
    found = _PLACE.fullmatch(place)
    if found is None:
        detail = "unknown cursor; take next_cursor of the page before, or leave it out"
        raise InvalidRequestError("unknown cursor", [FieldFault("/cursor", detail)])
    return found.group(1)
