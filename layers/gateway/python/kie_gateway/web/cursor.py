"""Cursors of lists: opaque to callers, a place in the list to us."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from kie_gateway.core.credits.ledger import LedgerPosition
from kie_gateway.core.errors.caller_errors import FieldFault, InvalidRequestError
from kie_gateway.flows.files.list_outputs import Place


@dataclass(frozen=True)
class Cursors[Where]:
    """
    The cursors of one kind of list.

    Attributes:
        words: Write a place.
        pattern: What they look like.
        where: Reads the place again.
    """

    words: Callable[[Where], str]
    pattern: str
    where: Callable[[re.Match[str]], Where]

    def write(self, where: Where) -> str:
        """Point at a place."""
        return base64.urlsafe_b64encode(self.words(where).encode()).decode().rstrip("=")

    def read(self, cursor: str) -> Where:
        """
        Find the place that a cursor points at.

        Raises:
            InvalidRequestError: It is none of ours.
        """
        found = re.fullmatch(self.pattern, _decoded(cursor))
        if found is None:
            detail = "unknown cursor; send the next_cursor of the previous page, or leave it out"
            raise InvalidRequestError("unknown cursor", [FieldFault("/cursor", detail)])
        return self.where(found)


TASKS: Cursors[str] = Cursors(
    lambda task_id: f"after:{task_id}", r"after:(task_[0-9a-z]{26})", lambda found: found[1]
)
BATCHES: Cursors[str] = Cursors(
    lambda batch_id: f"after:{batch_id}", r"after:(batch_[0-9a-z]{26})", lambda found: found[1]
)
KEYS: Cursors[str] = Cursors(
    lambda key_id: f"after:{key_id}", r"after:(key_[0-9a-z]{26})", lambda found: found[1]
)
ENDPOINTS: Cursors[str] = Cursors(
    lambda endpoint_id: f"after:{endpoint_id}",
    r"after:(we_[0-9a-z]{26})",
    lambda found: found[1],
)
DELIVERIES: Cursors[str] = Cursors(
    lambda delivery_id: f"after:{delivery_id}",
    r"after:(dlv_(?:per-task|[0-9a-z]{26})_[0-9]{1,15}_\S{1,200})",
    lambda found: found[1],
)
OUTPUTS: Cursors[Place] = Cursors(
    lambda place: f"after:{place.task_id}/{place.index}",
    r"after:(task_[0-9a-z]{26})/(\d{1,4})",
    lambda found: Place(found[1], int(found[2])),
)
LEDGER: Cursors[LedgerPosition] = Cursors(
    lambda place: f"below:{place.entry_id}/{place.balance:f}",
    r"below:([0-9a-z]{26}-\d{1,2})/(-?\d{1,15}(?:\.\d{1,6})?)",
    lambda found: LedgerPosition(found[1], Decimal(found[2])),
)


def _decoded(cursor: str) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
