"""When Kie.ai is asked again."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_gateway.core.polling.schedule import (
    after_refusal_at,
    after_storage_failure_at,
    ask_ages,
    next_ask_at,
)
from tests.makers import NOW, seconds


def ask_at(now: datetime, **changes: float) -> datetime:
    settings = {"typical_seconds": 40.0, "first_poll_seconds": 0, "poll_cap_seconds": 900}
    return next_ask_at(
        since=NOW,
        now=now,
        deadline_at=NOW + seconds(86_400),
        **{**settings, **changes},  # type: ignore[arg-type]
    )


def test_first_questions_come_at_the_80th_95th_and_99th_percentile() -> None:
    assert ask_ages(40.0, 0) == pytest.approx((60.9, 91.0, 128.0), abs=0.1)


def test_fixed_first_poll_keeps_the_proportions() -> None:
    assert ask_ages(40.0, 4) == pytest.approx((4.0, 5.98, 8.4), abs=0.01)


def test_later_questions_come_ever_more_rarely() -> None:
    pauses, now = [], NOW
    for _ in range(8):
        due = ask_at(now)
        pauses.append((due - now).total_seconds())
        now = due
    assert pauses[2:] == sorted(pauses[2:])
    assert max(pauses) <= 900


def test_a_first_question_that_was_fixed_is_not_held_to_the_cap() -> None:
    assert ask_at(NOW, first_poll_seconds=60, poll_cap_seconds=5) == NOW + seconds(60)
    asked = NOW + seconds(60)
    assert ask_at(asked, first_poll_seconds=60, poll_cap_seconds=5) == asked + seconds(5)


def test_cap_holds() -> None:
    assert ask_at(NOW, poll_cap_seconds=5) == NOW + seconds(5)


def test_deadline_is_never_passed() -> None:
    deadline = NOW + seconds(30)
    due = next_ask_at(
        since=NOW,
        now=NOW,
        deadline_at=deadline,
        typical_seconds=400,
        first_poll_seconds=0,
        poll_cap_seconds=900,
    )
    assert due == deadline


@given(
    age=st.floats(0, 80_000),
    typical=st.floats(1, 4000),
    first=st.integers(0, 3600),
    cap=st.integers(1, 86_400),
)
def test_next_question_is_always_ahead_and_within_the_cap(
    age: float, typical: float, first: int, cap: int
) -> None:
    now = NOW + timedelta(seconds=age)
    due = ask_at(now, typical_seconds=typical, first_poll_seconds=first, poll_cap_seconds=cap)
    # Whoever fixes the age of the first question means it.
    longest = max(cap, 1, first - age)
    assert now < due <= now + timedelta(seconds=longest)


def test_refused_creations_spread_over_kies_window() -> None:
    first = after_refusal_at(1, now=NOW, retry_after_seconds=None, spread=0.0)
    last = after_refusal_at(1, now=NOW, retry_after_seconds=None, spread=1.0)
    assert (first, last) == (NOW + seconds(2), NOW + seconds(12))


def test_refused_creation_heeds_retry_after() -> None:
    due = after_refusal_at(1, now=NOW, retry_after_seconds=30, spread=0.5)
    assert due == NOW + seconds(35)


def test_copies_are_retried_ever_more_rarely() -> None:
    pauses = [(after_storage_failure_at(n, NOW) - NOW).total_seconds() for n in range(1, 6)]
    assert pauses == [5, 20, 80, 300, 600]


def test_however_often_a_creation_was_refused_there_is_a_next_time() -> None:
    # A week of pauses of a minute, and more.
    at = after_refusal_at(20_000, now=NOW, retry_after_seconds=None, spread=1.0)
    assert at == NOW + seconds(122)
    assert after_storage_failure_at(20_000, NOW) == NOW + seconds(3600)
