"""How many requests a caller may send."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=1)


@dataclass(frozen=True)
class Allowance:
    """
    What is left of what a caller may have at a time.

    Attributes:
        used: With the request at hand.
        reset_seconds: Until there is more again, rounded up.
        of: What is counted: `requests` in a window, or open `tasks`.
        window_seconds: None where time alone restores nothing.
    """

    limit: int
    used: int
    reset_seconds: int
    of: str = "requests"
    window_seconds: int | None = int(WINDOW.total_seconds())

    @property
    def is_used_up(self) -> bool:
        """Whether this is one too many."""
        return self.used > self.limit

    @property
    def remaining(self) -> int:
        """Return what is left."""
        return max(self.limit - self.used, 0)


def window_of(now: datetime) -> tuple[int, int]:
    """Return the number of the current window, and the seconds until the next, rounded up."""
    number, passed = divmod(now.timestamp(), WINDOW.total_seconds())
    return int(number), math.ceil(WINDOW.total_seconds() - passed)
