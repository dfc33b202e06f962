"""The clock."""

import time
from datetime import UTC, datetime

sleep = time.sleep


def utc_now() -> datetime:
    """Return the time in whole milliseconds, as precisely as the record keeps it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
