"""Trouble at one chosen call of AWS: the function ends there, or never sees the answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.functional.functions import Killed
from tests.functional.world import World


class Trouble(StrEnum):
    """What happens at the call."""

    ENDS_BEFORE = "the function ends before the call"
    ENDS_AFTER = "the function ends after the call"
    ANSWER_LOST = "the call is made and its answer lost"
    NOT_MADE = "the call does not get through"


@dataclass
class Fault:
    """
    Trouble at the nth call of a function, counted from the moment it is set.

    Attributes:
        lasts: Whether the function ends at each of its later calls as well.
        calls: Names of the calls so far.
    """

    trouble: Trouble
    number: int
    lasts: bool
    calls: list[str]

    @property
    def has_struck(self) -> bool:
        """Whether the function has made so many calls at all."""
        return len(self.calls) >= self.number


@contextmanager
def fault(
    world: World, function: str, trouble: Trouble, number: int, *, lasts: bool = False
) -> Iterator[Fault]:
    """Let a function get into trouble at its nth call of AWS from now on."""
    planned, lock = Fault(trouble, number, lasts, []), Lock()
    with pytest.MonkeyPatch.context() as patch:
        for client in list(vars(world.gateway(function).clients).values()):
            if hasattr(client, "_make_api_call"):
                call = _faulty(client._make_api_call, planned, lock)
                patch.setattr(client, "_make_api_call", call)
        yield planned


def _faulty(call: Any, planned: Fault, lock: Lock) -> Any:
    def made(operation: str, params: Any) -> Any:
        with lock:
            planned.calls.append(operation)
            now = len(planned.calls)
        if now > planned.number and planned.lasts:
            raise Killed(f"before {operation}")
        if now != planned.number:
            return call(operation, params)
        match planned.trouble:
            case Trouble.ENDS_BEFORE:
                raise Killed(f"before {operation}")
            case Trouble.NOT_MADE:
                raise ReadTimeoutError(endpoint_url="https://aws.invalid")
        call(operation, params)
        if planned.trouble is Trouble.ENDS_AFTER:
            raise Killed(f"after {operation}")
        assert planned.trouble is Trouble.ANSWER_LOST
        raise ReadTimeoutError(endpoint_url="https://aws.invalid")

    return made
