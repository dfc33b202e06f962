"""How many requests a caller may send."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True)
class Allowance:
    """
    What is left of a caller's requests in the window at hand.

    Attributes:
        used: Requests in this window, the one at hand among them.
        reset_seconds: Until the next window, rounded up.
    """

    limit: int
    used: int
    reset_seconds: int

    @property
    def is_used_up(self) -> bool:
        """Whether the request at hand is one too many."""
        return self.used > self.limit

    @property
    def remaining(self) -> int:
        """Requests that are left."""
        return max(self.limit - self.used, 0)


def window_of(now: datetime) -> tuple[int, int]:
    """Tell the number of the window at hand, and the seconds until the next, rounded up."""
    number, passed = divmod(now.timestamp(), WINDOW.total_seconds())
    return int(number), math.ceil(WINDOW.total_seconds() - passed)
