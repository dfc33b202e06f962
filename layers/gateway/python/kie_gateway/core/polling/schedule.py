"""
When to ask Kie.ai again about a task whose webhook has not come.

Completion times of generators spread roughly log-normally. Asking first when four in five tasks of
the model are done, then at the 95th and 99th percentile, costs hardly more waiting than the best
possible schedule with as many questions; a fixed interval or a blind backoff asks many times as
often. `docs/decisions/0004-poll-schedule.md` has the figures.
"""

import math
from datetime import datetime, timedelta

from kie_gateway.core.polling.model_times import Observed

# Spread of log-normal completion times; a property of generators at large, not of one model.
SIGMA = 0.5
# Standard normal quantiles of the 80th, 95th and 99th percentile.
QUANTILES = (0.8416, 1.6449, 2.3263)
GROWTH = 1.5

NOT_VISIBLE_GRACE = timedelta(seconds=90)


def ask_ages(
    typical_seconds: float, first_poll_seconds: int, observed: Observed | None = None
) -> tuple[float, float, float]:
    """
    Ages, in seconds since submission, at which the first three questions are due.

    Args:
        typical_seconds: Median time of the model.
        first_poll_seconds: The first age, fixed by the operator; 0 derives it.
        observed: What this deployment has seen of the model; takes the place of the rule.
    """
    ages = [typical_seconds * math.exp(SIGMA * z) for z in QUANTILES]
    if observed is not None:
        ages = [observed.p80, observed.p95, observed.p99]
    scale = first_poll_seconds / ages[0] if first_poll_seconds else 1.0
    first, second, third = (age * scale for age in ages)
    return first, second, third


def next_ask_at(
    *,
    since: datetime,
    now: datetime,
    deadline_at: datetime,
    typical_seconds: float,
    first_poll_seconds: int,
    poll_cap_seconds: int,
    observed: Observed | None = None,
) -> datetime:
    """
    Choose when to ask Kie.ai next.

    Args:
        since: When Kie.ai was given the task, or was about to be.
        now: The moment of choosing.
        poll_cap_seconds: Longest pause, but for the first question at an age that was fixed.

    Returns:
        A moment after `now` and no later than the deadline; the deadline itself once it has passed.
    """
    age = (now - since).total_seconds()
    ages = ask_ages(typical_seconds, first_poll_seconds, observed)
    due = next((a for a in ages if a > age + 0.5), max(age, ages[-1]) * GROWTH)
    pause = max(due - age, 1.0)
    if due > ages[0] or not first_poll_seconds:
        pause = min(pause, poll_cap_seconds)
    return min(now + timedelta(seconds=pause), deadline_at)


def after_refusal_at(
    attempts: int, *, now: datetime, retry_after_seconds: float | None, spread: float
) -> datetime:
    """
    Choose when to send a refused creation again.

    Kie.ai takes 20 creations per 10 s and account and refuses the rest without queueing them (its
    getting-started page), so refused tasks come back spread over the windows that follow.

    Args:
        attempts: Creations tried so far, at least 1.
        retry_after_seconds: What Kie.ai asked for, if it did.
        spread: A random number from 0 to 1.
    """
    window = min(10.0 * 1.5 ** min(attempts - 1, 20), 120.0)
    pause = retry_after_seconds if retry_after_seconds is not None else 2.0
    return now + timedelta(seconds=pause + spread * window)


def after_want_of_credits_at(attempts: int, now: datetime) -> datetime:
    """Choose when to send a creation again that alone waits for credits: 1 min, 2, 4 ... 60."""
    return now + timedelta(minutes=min(2 ** min(attempts - 1, 10), 60))


def after_storage_failure_at(attempts: int, now: datetime) -> datetime:
    """
    Choose when to copy again: after 5 s, 20 s, 80 s, 5 min, then twice as long up to an hour.

    A day of that is some 30 attempts, and each is 9 of the 25,000 events of an execution's history.
    """
    pause = 5 * 4 ** (attempts - 1) if attempts < 4 else 300 * 2 ** min(attempts - 4, 4)
    return now + timedelta(seconds=min(pause, 3600))
