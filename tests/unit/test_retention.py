"""Files are gone for callers on the very day, and for S3 by the next rule of the bucket."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_gateway.core.files.retention import LONGEST_DAYS, RULE_DAYS, TAG, delete_at, retention_tag
from sam_template.template import Template
from tests.makers import NOW

SUMMER = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def rules_of_the_bucket() -> dict[str, int]:
    """Days of every rule of the template that goes by the tag."""
    bucket: dict[str, Any] = Template().of_type("AWS::S3::Bucket")["AssetBucket"]
    found = {}
    for rule in bucket["LifecycleConfiguration"]["Rules"]:
        for tag in rule.get("TagFilters", []):
            assert (tag["Key"], rule["Status"]) == (TAG, "Enabled") or tag["Value"] == "default"
            found[tag["Value"]] = rule["ExpirationInDays"]
    return found


def test_every_tag_has_its_rule() -> None:
    rules = rules_of_the_bucket()
    assert "default" in rules
    assert {value: days for value, days in rules.items() if value != "default"} == {
        str(days): days for days in RULE_DAYS
    }


@pytest.mark.parametrize(
    ("days", "tag"),
    [
        (None, "retention=default"),
        (1, "retention=1"),
        (2, "retention=2"),
        (4, "retention=5"),
        (8, "retention=10"),
        (30, "retention=30"),
        (31, "retention=45"),
        (1826, "retention=3650"),
        (LONGEST_DAYS, "retention=3650"),
    ],
)
def test_the_tag_is_that_of_the_next_longer_rule(days: int | None, tag: str) -> None:
    assert retention_tag(days) == tag


@given(st.integers(1, LONGEST_DAYS))
def test_s3_never_deletes_before_the_day_and_seldom_long_after(days: int) -> None:
    rule = int(retention_tag(days).removeprefix("retention="))
    assert days <= rule <= 2 * days


@pytest.mark.parametrize(
    ("days", "default_days", "kept"),
    [
        (None, 0, None),
        (None, 30, timedelta(days=30)),
        (7, 30, timedelta(days=7)),
        (60, 30, timedelta(days=60)),
        (1, 0, timedelta(days=1)),
    ],
)
@pytest.mark.parametrize("stored_at", [NOW, SUMMER])
def test_the_task_has_the_last_word(
    stored_at: datetime, days: int | None, default_days: int, kept: timedelta | None
) -> None:
    gone_at = delete_at(stored_at, days, default_days)
    assert gone_at == (stored_at + kept if kept else None)
