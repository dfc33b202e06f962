"""
The time that an invocation has: whatever is done in it takes its share of what is left.

A function that is still at work at the end of its time is ended there: its caller gets a bare
error, and whatever it was about to write down is lost. So nothing is begun that might not be over
in time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

# One attempt at a call of AWS takes no longer (`wiring/clients.py`).
AWS_CALL_SECONDS = 5.25
# Kept for writing down what a call has brought.
RECORDING_SECONDS = 6.0
# A creation that is given less may be answered too late for us to know of it, and is not sent.
CREATION_SECONDS = 10.0
# A question that is given less is not asked.
QUESTION_SECONDS = 1.0
# Kept for putting the answer into words, and for its way.
ANSWER_SECONDS = 1.0


@dataclass(frozen=True)
class Deadline:
    """The moment at which an invocation is ended."""

    ends_at: datetime

    def left(self, now: datetime) -> float:
        """Return how many seconds are left; 0 once the moment has passed."""
        return max((self.ends_at - now).total_seconds(), 0.0)


# Of whoever works without one, such as a script.
NEVER = Deadline(datetime.max.replace(tzinfo=UTC))


def share(left: float, *, most: float, keep: float) -> float:
    """
    Return how long a call may take.

    Args:
        left: Seconds in all.
        most: Seconds that the call would take at most if there were any number.
        keep: Seconds for what has to be done afterwards.
    """
    return max(min(most, left - keep), 0.0)
