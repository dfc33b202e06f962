"""The clock."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Tell the time in whole milliseconds, as precisely as the record keeps it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
