"""What this deployment learns of the models' times."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from kie_gateway.core.polling.model_times import BUCKETS, ENOUGH, Observed, bucket_of, observe
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.schedule import ask_ages
from kie_gateway.core.task import CompletedBy
from kie_gateway.flows.polling.learn_time import LearnTime
from tests.makers import NOW, running_task, seconds, typical_seconds


class Times:
    def __init__(self) -> None:
        self.added: list[tuple[str, float]] = []

    def add(self, model: str, seconds: float, now: object) -> None:
        self.added.append((model, seconds))

    def observed(self, model: str) -> Observed | None:
        return None


def test_few_tasks_teach_nothing() -> None:
    assert observe({5: ENOUGH - 1}) is None
    assert observe({5: ENOUGH}) is not None


@pytest.mark.parametrize("median", [3, 45, 150, 800])
def test_quantiles_are_right_to_a_tenth(median: float) -> None:
    dice = random.Random(median)
    times = sorted(median * 2.718281828 ** (0.5 * dice.gauss()) for _ in range(2000))
    seen = observe(Counter(bucket_of(one) for one in times))
    assert seen is not None
    assert seen.count == 2000
    for share, value in ((0.5, seen.p50), (0.8, seen.p80), (0.95, seen.p95), (0.99, seen.p99)):
        assert value == pytest.approx(times[int(2000 * share)], rel=0.1)


def test_buckets_are_bounded() -> None:
    assert bucket_of(0) == bucket_of(1) == 0
    assert bucket_of(10**9) == BUCKETS - 1
    assert [bucket_of(2.0**n) for n in range(12)] == sorted(bucket_of(2.0**n) for n in range(12))


def test_the_schedule_follows_what_was_seen() -> None:
    seen = Observed(count=50, p50=20, p80=30, p95=40, p99=50)
    assert ask_ages(400, 0, seen) == (30, 40, 50)
    assert ask_ages(400, 3, seen) == pytest.approx((3, 4, 5))
    policy = PollPolicy(0, 900, typical_seconds=typical_seconds, observed=lambda _: seen)
    task = running_task()
    assert policy.next_ask_at(task, NOW) == NOW + seconds(30)
    assert policy.next_ask_at(task, NOW + seconds(30)) == NOW + seconds(40)


@pytest.mark.parametrize(
    ("by", "took", "counted"),
    [
        (CompletedBy.WEBHOOK, 30, True),
        (CompletedBy.POLL, 30, True),
        (CompletedBy.REFRESH, 30, False),
        (CompletedBy.HISTORY, 30, False),
        (CompletedBy.IMPORT, 30, False),
        (CompletedBy.WEBHOOK, -8 * 3600, False),
        (CompletedBy.WEBHOOK, 8 * 3600, False),
    ],
)
def test_only_times_that_mean_something_are_counted(
    by: CompletedBy, took: float, counted: bool
) -> None:
    times = Times()
    task = running_task(completed_by=by, upstream_completed_at=NOW + timedelta(seconds=took))
    LearnTime(times, lambda: NOW + seconds(100))(task)
    assert times.added == ([("google/nano-banana", 30.0)] if counted else [])
