"""Schedules: functions are invoked on time, by EventBridge's event, whatever failed before."""

from __future__ import annotations

import io
import json
from concurrent.futures import Future
from typing import Any

import pytest

from dev import schedules
from dev.functions import Outcome, failure
from dev.logs import Log
from dev.schedules import Clock, period_seconds
from sam_template.template import Schedule, Template
from tests.dev.support import eventually

HOURLY = Schedule("Hourly", "SweepFunction", "rate(1 hour)")


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(10 minutes)", 600), ("rate(2 days)", 172_800)],
)
def test_rates_are_read(expression: str, seconds: int) -> None:
    assert period_seconds(expression) == seconds


@pytest.mark.parametrize("expression", ["cron(0 12 * * ? *)", "rate(ten minutes)", ""])
def test_what_cannot_be_kept_here_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="only rate"):
        period_seconds(expression)


def test_every_schedule_of_the_template_can_be_kept_here() -> None:
    kept = {one.function: period_seconds(one.expression) for one in Template().schedules()}
    assert kept == {"SweepFunction": 600}


def test_a_function_is_invoked_again_and_again_though_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedules, "period_seconds", lambda _: 0.02)
    events: list[dict[str, Any]] = []

    def submit(payload: bytes) -> Future[Outcome]:
        events.append(json.loads(payload))
        done: Future[Outcome] = Future()
        done.set_result(failure("Exception", "not today"))
        return done

    told = io.StringIO()
    clock = Clock(HOURLY, submit, Log(told))
    eventually(lambda: len(events) >= 3)
    clock.stop()
    assert events[0]["source"] == "aws.events"
    assert events[0]["resources"][0].endswith("rule/SweepFunctionHourly")
    assert len({event["id"] for event in events}) == len(events)
    assert "SweepFunction: not today" in told.getvalue()
