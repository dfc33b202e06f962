"""What is left of an invocation, and who gets how much of it."""

import math
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_gateway.core.deadline import RECORDING_SECONDS, Deadline, share
from kie_gateway.core.errors.provider_errors import OutOfTimeError
from kie_gateway.kie.client import CREATE_TIMEOUT
from kie_gateway.kie.http import ASK_TIMEOUT
from kie_gateway.kie.patience import within
from kie_gateway.wiring.time_left import TimeLeft
from tests.fakes import Clock
from tests.makers import NOW, seconds


def context(left: float) -> Any:
    return SimpleNamespace(get_remaining_time_in_millis=lambda: round(left * 1000))


def test_the_time_passes() -> None:
    clock = Clock()
    time_left = TimeLeft(clock.now)
    with time_left.of(context(29)):
        clock.advance(4)
        assert time_left() == 25
        clock.advance(60)
        assert time_left() == 0


def test_an_invocation_leaves_nothing_to_the_next() -> None:
    time_left = TimeLeft(Clock().now)
    with pytest.raises(ZeroDivisionError), time_left.of(context(1)):
        _ = 1 / 0
    assert time_left() > 1e9
    with time_left.of(context(14)):
        assert time_left() == 14


def test_two_invocations_at_a_time_have_each_their_own() -> None:
    time_left = TimeLeft(Clock().now)

    def other() -> float:
        with time_left.of(context(3)):
            return time_left()

    with time_left.of(context(29)), ThreadPoolExecutor() as pool:
        # Its own, but for a thread that works for the invocation.
        assert pool.submit(other).result() == 3
        assert pool.submit(copy_context().run, time_left).result() == 29
        assert pool.submit(time_left).result() > 1e9
        assert time_left() == 29


def test_a_handler_knows_its_time() -> None:
    time_left = TimeLeft(Clock().now)

    @time_left.kept
    def handler(event: int, context: Any) -> float:
        del context
        return event + time_left()

    assert handler(1, context(7)) == 8
    assert handler.__name__ == "handler"


@given(left=st.floats(0, 1e6), most=st.floats(0, 1e3), keep=st.floats(0, 1e3))
def test_a_share_leaves_what_is_to_be_kept(left: float, most: float, keep: float) -> None:
    seconds_ = share(left, most=most, keep=keep)
    assert 0 <= seconds_ <= most
    assert seconds_ == 0 or left - seconds_ >= keep - 1e-6


def test_no_time_is_less_than_none() -> None:
    assert Deadline(NOW).left(NOW + seconds(5)) == 0


@given(
    left=st.floats(0, 100),
    timeout=st.sampled_from([CREATE_TIMEOUT, ASK_TIMEOUT]),
    least=st.sampled_from([1.0, 10.0]),
)
def test_a_call_is_over_in_time_or_not_sent(
    left: float, timeout: httpx.Timeout, least: float
) -> None:
    try:
        cut = within(left, timeout, least=least)
    except OutOfTimeError:
        assert left < least + RECORDING_SECONDS
        return
    assert cut.connect is not None
    assert cut.read is not None
    assert cut.connect + cut.read <= left - RECORDING_SECONDS + 1e-6
    assert cut.read <= (timeout.read or 0)


def test_with_any_time_a_call_has_all_of_its_own() -> None:
    assert within(math.inf, CREATE_TIMEOUT, least=10) == CREATE_TIMEOUT
