"""The submit queue, as flows need it; `aws/submit_queue_table.py` provides it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from kie_gateway.core.submit_queue import NOTHING, Permit, SubmitQueueState, Ticket


class SubmitQueue(Protocol):
    """
    The submit queue, which takes so many creations in a time and refuses the rest.

    Every call raises BackendUnavailableError when the table does not answer.
    """

    def state(self) -> SubmitQueueState | None:
        """Read the queue; None while everything may be sent at once."""

    def report_refusal(self, pause_seconds: float | None) -> None:
        """Record that Kie.ai refused a creation, and for how long if it said so."""

    def report_acceptance(self) -> None:
        """Record that Kie.ai accepted a creation, after it had refused some."""

    def pause_for_credits(self, funds: Decimal = NOTHING) -> None:
        """
        Record that Kie.ai's account has too few credits; nothing more is sent for an hour.

        Args:
            funds: What there is; as much may still be spent.
        """

    def resume(self) -> None:
        """Record that it has some again."""

    def last_ticket_at(self) -> datetime:
        """Return when the last ticket that was issued is due; now if that has passed."""

    def enqueue(self, owner: str) -> Ticket:
        """Take a place."""

    def acquire_permit(self, patience: timedelta) -> Permit:
        """
        Reserve the next moment at which Kie.ai takes a creation.

        Args:
            patience: A moment that is farther away is not reserved, but only told.
        """

    def correct_permit(self, reserved: datetime, sent: datetime) -> None:
        """Record that a creation was sent later than at the moment reserved for it."""

    def advance_to(self, turn: int) -> None:
        """Record whose turn it was."""

    def front(self) -> Sequence[str]:
        """Return the ids of the first tasks, in order."""

    def waiting(self) -> Iterator[str]:
        """Return the id of every task in the queue, roughly in order."""

    def short_of_credits(self) -> Iterator[str]:
        """Return the id of every task that waits for credits outside the queue."""
