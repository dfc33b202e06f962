"""Live updates, as flows need them; `aws/live_updates.py` provides them."""

from collections.abc import Sequence
from typing import Protocol


class LivePublisher(Protocol):
    """Whoever follows an owner's tasks right now."""

    def publish(self, owner: str, subject_id: str, events: Sequence[str]) -> None:
        """
        Tell followers what has happened, in this order.

        Args:
            subject_id: Of the task, or of what else the events are about.
            events: JSON texts, `{id, type, timestamp, data}`.

        Raises:
            BackendUnavailableError: Not everything was published, and may be published again.
        """
