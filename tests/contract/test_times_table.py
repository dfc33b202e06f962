"""Times of models in the table."""

from datetime import timedelta
from typing import Any

import pytest

from kie_gateway.aws.times_table import TimesTable
from kie_gateway.core.polling.model_times import ENOUGH
from tests.makers import NOW


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_times_are_counted_remembered_and_forgotten(dynamodb: Any, table_name: str) -> None:
    clock = Clock()
    times = TimesTable(dynamodb, table_name, clock=clock)
    assert times.observed("a/b") is None
    for _ in range(ENOUGH):
        times.add("a/b", 40, NOW)
    assert times.observed("a/b") is None, "remembered for a while"
    clock.seconds = 301
    seen = times.observed("a/b")
    assert seen is not None
    assert seen.count == ENOUGH
    assert seen.p50 == pytest.approx(40, rel=0.1)
    assert times.observed("a/other") is None


def test_old_months_do_not_count(dynamodb: Any, table_name: str) -> None:
    times = TimesTable(dynamodb, table_name)
    for month in range(5):
        for _ in range(ENOUGH):
            times.add("a/b", 10.0 * (month + 1), NOW + timedelta(days=31 * month))
    seen = times.observed("a/b")
    assert seen is not None
    assert seen.count == 3 * ENOUGH
