"""When a delivery is tried again, and when an endpoint is not delivered to any more."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kie_gateway.core.events.delivery import (
    LONGEST_PAUSE,
    MOST_ATTEMPTS,
    Attempt,
    Delivery,
    DeliveryStatus,
    Trouble,
    after_attempt,
    begun_again,
    given_up,
    lost,
    without_body,
)
from kie_gateway.core.events.endpoint import (
    DISABLED_AFTER,
    ROTATION,
    DisabledReason,
    Endpoint,
    after_failure,
    after_success,
    enabled,
    probed,
    rotated,
)
from kie_gateway.core.events.event_type import EventType
from tests.makers import NOW, seconds

SCHEDULE = [seconds(one) for one in (5, 300, 1800, 7200, 18000, 36000, 36000)]
DELIVERY = Delivery(
    delivery_id="dlv_1",
    endpoint_id="we_1",
    owner="alice",
    event_id="evt_1",
    type=EventType.TASK_SUCCEEDED,
    about="task_1",
    created_at=NOW,
    body="{}",
    next_at=NOW,
)


def attempt(status: int | None = None, **more: Any) -> Attempt:
    return Attempt(NOW, 12, status, **more)


def tried(answer: Attempt, tries: int = 0, jitter: float = 0) -> Delivery:
    return after_attempt(replace(DELIVERY, tries=tries), answer, SCHEDULE, jitter)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_is_a_delivery(status: int) -> None:
    after = tried(attempt(status))
    assert (after.status, after.next_at, after.tries) == (DeliveryStatus.DELIVERED, None, 1)


@pytest.mark.parametrize("status", [199, 301, 302, 307, 400, 401, 404, 429, 500, 503, None])
def test_everything_else_is_tried_again(status: int | None) -> None:
    after = tried(attempt(status))
    assert (after.status, after.next_at) == (DeliveryStatus.PENDING, NOW + seconds(5))


def test_eight_tries_follow_the_schedule_and_then_it_is_over() -> None:
    delivery, pauses = DELIVERY, list[timedelta]()
    while delivery.status is DeliveryStatus.PENDING:
        delivery = after_attempt(delivery, attempt(500), SCHEDULE, 0)
        pauses += [delivery.next_at - NOW] if delivery.next_at is not None else []
    assert (delivery.status, delivery.tries, pauses) == (DeliveryStatus.FAILED, 8, SCHEDULE)


def test_jitter_spreads_what_failed_together() -> None:
    assert tried(attempt(500), 1, 1).next_at == NOW + seconds(330)


def test_who_is_gone_is_not_asked_again() -> None:
    assert tried(attempt(410)).status is DeliveryStatus.FAILED


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_says_how_long_it_wants_to_be_left_alone(status: int) -> None:
    assert tried(attempt(status, retry_after_seconds=60)).next_at == NOW + seconds(60)
    assert tried(attempt(status, retry_after_seconds=1), 1).next_at == NOW + seconds(300)
    assert tried(attempt(status, retry_after_seconds=10**6)).next_at == NOW + LONGEST_PAUSE


def test_nobody_else_says_how_long() -> None:
    assert tried(attempt(500, retry_after_seconds=60)).next_at == NOW + seconds(5)


def test_a_delivery_begun_again_has_all_its_tries() -> None:
    failed = given_up(tried(attempt(500), 3), Trouble.DISABLED)
    again = begun_again(failed, NOW)
    assert (again.status, again.tries, again.next_at) == (DeliveryStatus.PENDING, 0, NOW)
    assert again.attempts == failed.attempts


def test_what_is_gone_with_its_task_has_failed_unless_it_came_through() -> None:
    ended = without_body(tried(attempt(500)))
    assert (ended.status, ended.trouble) == (DeliveryStatus.FAILED, Trouble.TASK_DELETED)
    assert ended.next_at is None
    delivered = tried(attempt(204))
    assert without_body(delivered) == delivered


def pending(number: int, overdue: float, about: str = "task_1", **more: Any) -> Delivery:
    due = NOW - seconds(overdue)
    return replace(DELIVERY, delivery_id=f"dlv_{number}", about=about, next_at=due, **more)


@pytest.mark.parametrize(
    ("deliveries", "numbers"),
    [
        ([pending(1, 3601), pending(2, 3600), pending(3, -60)], [1]),
        ([pending(1, 9000), pending(2, 8000), pending(3, 7000)], [1, 2, 3]),
        # What waits behind another about the same task is not lost.
        ([pending(1, -60), pending(2, 8000), pending(3, 8000, "task_2")], [3]),
        ([pending(1, -60), pending(2, 8000, beginnings=2)], [2]),
    ],
)
def test_a_delivery_is_lost_when_nobody_has_tried_it_for_an_hour(
    deliveries: list[Delivery], numbers: list[int]
) -> None:
    assert [one.delivery_id for one in lost(deliveries, NOW)] == [f"dlv_{n}" for n in numbers]


def test_the_last_attempts_are_kept() -> None:
    delivery = DELIVERY
    for number in range(MOST_ATTEMPTS + 5):
        delivery = after_attempt(begun_again(delivery, NOW), attempt(500 + number), SCHEDULE, 0)
    assert len(delivery.attempts) == MOST_ATTEMPTS
    assert delivery.attempts[-1].status == 500 + MOST_ATTEMPTS + 4


# --- endpoints ----------------------------------------------------------------------------------

ENDPOINT = Endpoint("we_1", "alice", "https://receiver.test/hook", NOW)


def failed(endpoint: Endpoint, after_seconds: float = 0, **how: bool) -> Endpoint:
    facts = {"gone": False, "let_wait": False, **how}
    return after_failure(endpoint, now=NOW + seconds(after_seconds), **facts)


def test_an_endpoint_without_a_list_wants_everything() -> None:
    assert all(ENDPOINT.wants(one) for one in EventType)
    some = replace(ENDPOINT, events=(EventType.TASK_FAILED,))
    assert [one for one in EventType if some.wants(one)] == [EventType.TASK_FAILED]


def test_a_gone_endpoint_is_disabled_at_once() -> None:
    gone = failed(ENDPOINT, gone=True)
    assert (gone.is_enabled, gone.disabled_reason) == (False, DisabledReason.GONE)


def test_five_days_of_failures_disable() -> None:
    days = DISABLED_AFTER.total_seconds()
    failing = failed(ENDPOINT)
    assert failing.failing_since == NOW
    assert failed(failing, days - 1).is_enabled
    over = failed(failing, days)
    assert (over.disabled_reason, over.disabled_at) == (DisabledReason.FAILING, NOW + seconds(days))


def test_one_success_forgets_all_failures() -> None:
    failing = failed(failed(ENDPOINT, let_wait=True), 3600, let_wait=True)
    assert after_success(failing) == ENDPOINT
    assert enabled(failed(failing, gone=True)) == ENDPOINT


def test_who_lets_us_wait_is_left_alone_longer_and_longer() -> None:
    endpoint, now, pauses = ENDPOINT, 0.0, list[float]()
    for _ in range(8):
        endpoint = failed(endpoint, now, let_wait=True)
        assert endpoint.paused_until is not None
        pauses.append((endpoint.paused_until - NOW).total_seconds() - now)
        now += pauses[-1]
    assert pauses == [15, 30, 60, 120, 240, 480, 600, 600]


def test_after_a_pause_one_delivery_finds_out_for_all() -> None:
    paused = failed(ENDPOINT, let_wait=True)
    assert probed(paused, NOW + seconds(14)) is None
    probe = probed(paused, NOW + seconds(15))
    assert probe is not None
    assert probed(probe, NOW + seconds(16)) is None
    # Whoever finds out may die over it.
    assert probed(probe, NOW + seconds(45)) is not None
    again = failed(probe, 30, let_wait=True, is_probe=True)
    assert (again.paused_until, again.pauses) == (NOW + seconds(60), 2)
    assert after_success(probe) == ENDPOINT
    # A bad answer is one, too.
    assert failed(probe, 30, is_probe=True).paused_until is None


def test_those_that_were_under_way_do_not_lengthen_the_pause() -> None:
    once = failed(ENDPOINT, let_wait=True)
    assert failed(once, 1, let_wait=True) == once


def test_an_answer_however_bad_is_no_reason_to_pause() -> None:
    assert failed(ENDPOINT).paused_until is None


def test_the_old_secret_signs_for_a_day_after_a_rotation() -> None:
    assert list(ENDPOINT.signing_numbers(NOW)) == [1]
    new = rotated(ENDPOINT, NOW)
    assert list(new.signing_numbers(NOW + ROTATION - seconds(1))) == [2, 1]
    assert list(new.signing_numbers(NOW + ROTATION)) == [2]
