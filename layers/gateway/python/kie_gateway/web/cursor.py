"""Cursors of lists: opaque to callers, a place in the list to us."""

import base64
import binascii
import re
from decimal import Decimal
from typing import NoReturn

from kie_gateway.core.account import Below
from kie_gateway.core.errors import FieldFault, InvalidRequestError
from kie_gateway.flows.list_outputs import Place

_TASK = re.compile(r"after:(task_[0-9a-z]{26})")
_KEY = re.compile(r"after:(key_[0-9a-z]{26})")
_ROW = re.compile(r"below:([0-9a-z]{26}-\d{1,2})/(-?\d{1,15}(?:\.\d{1,6})?)")
_OUTPUT = re.compile(r"after:(task_[0-9a-z]{26})/(\d{1,4})")


def write_cursor(task_id: str) -> str:
    """Point behind a task."""
    return _encoded(f"after:{task_id}")


def read_cursor(cursor: str) -> str:
    """
    Find the task a cursor points behind.

    Raises:
        InvalidRequestError: It is none of ours.
    """
    found = _TASK.fullmatch(_decoded(cursor)) or _refuse()
    return found[1]


def write_key_cursor(key_id: str) -> str:
    """Point behind a key."""
    return _encoded(f"after:{key_id}")


def read_key_cursor(cursor: str) -> str:
    """
    Find the key a cursor points behind.

    Raises:
        InvalidRequestError: It is none of ours.
    """
    found = _KEY.fullmatch(_decoded(cursor)) or _refuse()
    return found[1]


def write_row_cursor(place: Below) -> str:
    """Point below a row of a ledger."""
    return _encoded(f"below:{place.row_id}/{place.balance:f}")


def read_row_cursor(cursor: str) -> Below:
    """
    Find the row a cursor points below.

    Raises:
        InvalidRequestError: It is none of ours.
    """
    found = _ROW.fullmatch(_decoded(cursor)) or _refuse()
    return Below(found[1], Decimal(found[2]))


def write_place(place: Place) -> str:
    """Point behind an output of a task."""
    return _encoded(f"after:{place.task_id}/{place.index}")


def read_place(cursor: str) -> Place:
    """
    Find the output a cursor points behind.

    Raises:
        InvalidRequestError: It is none of ours.
    """
    found = _OUTPUT.fullmatch(_decoded(cursor)) or _refuse()
    return Place(found[1], int(found[2]))


def _encoded(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def _refuse() -> NoReturn:
    detail = "unknown cursor; take next_cursor of the page before, or leave it out"
    raise InvalidRequestError("unknown cursor", [FieldFault("/cursor", detail)])
