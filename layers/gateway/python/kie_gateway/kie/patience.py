"""How long a request to Kie.ai may take, with whatever is left of the invocation."""

import math
from collections.abc import Callable

import httpx

from kie_gateway.core.deadline import RECORDING_SECONDS, share
from kie_gateway.core.errors.provider_errors import OutOfTimeError

type TimeLeft = Callable[[], float]


def any_time() -> float:
    """Return infinity: there is no end."""
    return math.inf


def within(
    left: float, timeout: httpx.Timeout, *, least: float, keep: float = RECORDING_SECONDS
) -> httpx.Timeout:
    """
    Cut a time-out to what is left.

    Connecting and reading are timed one by one, and together take no longer than their share.

    Args:
        left: Seconds left in all.
        timeout: With `connect` and `read`.
        least: Seconds that make sending worth it.
        keep: Seconds that have to be left afterwards.

    Raises:
        OutOfTimeError: Nothing shall be sent.
    """
    connect, read = timeout.connect or 0.0, timeout.read or 0.0
    seconds = share(left, most=connect + read, keep=keep)
    if seconds < min(least, connect + read):
        raise OutOfTimeError("it was not sent, because too little time was left")
    if seconds == connect + read:
        return timeout
    connect = min(connect, seconds / 5)
    read = min(read, seconds - connect)
    return httpx.Timeout(
        read, connect=connect, pool=connect, write=min(timeout.write or read, read)
    )
