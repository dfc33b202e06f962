"""
How long files are kept.

S3 deletes by rules that name whole days and tags, so files with a time of their own carry the tag
of the next longer rule; to callers they are gone on the very day.
"""

from datetime import datetime, timedelta

# One lifecycle rule of the bucket each (`template.yaml`, AssetBucket).
RULE_DAYS = (1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365, 730, 1095, 1825, 3650)
LONGEST_DAYS = RULE_DAYS[-1]
TAG = "retention"
DEFAULT = "default"


def retention_tag(days: int | None) -> str:
    """Write the tag of a file, as in an HTTP query; None stands for the deployment's default."""
    rule = DEFAULT if days is None else next(rule for rule in RULE_DAYS if rule >= days)
    return f"{TAG}={rule}"


def delete_at(stored_at: datetime, days: int | None, default_days: int) -> datetime | None:
    """Return when files will be deleted; None if they are kept."""
    kept = days if days is not None else default_days
    return stored_at + timedelta(days=kept) if kept else None
