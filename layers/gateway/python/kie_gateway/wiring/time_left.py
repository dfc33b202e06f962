"""What is left of the invocation at hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import wraps
from typing import Protocol

from kie_gateway.core.deadline import NEVER, Deadline

# Threads that work for an invocation get it with a copy of the context they were started from.
_DEADLINE: ContextVar[Deadline] = ContextVar("deadline", default=NEVER)


class Limited(Protocol):
    """What Lambda tells of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how much time is left."""


class TimeLeft:
    """The seconds that are left of the current invocation; any number outside of one."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def __call__(self) -> float:
        """Return the seconds."""
        return _DEADLINE.get().left(self._now())

    @contextmanager
    def of(self, context: Limited) -> Iterator[None]:
        """Take the time from Lambda's context for as long as the `with` lasts."""
        left = timedelta(milliseconds=context.get_remaining_time_in_millis())
        before = _DEADLINE.set(Deadline(self._now() + left))
        try:
            yield
        finally:
            _DEADLINE.reset(before)

    def kept[Event, Context: Limited, Answer](
        self, handler: Callable[[Event, Context], Answer]
    ) -> Callable[[Event, Context], Answer]:
        """Wrap a handler so that its remaining time is known."""

        @wraps(handler)
        def in_time(event: Event, context: Context) -> Answer:
            with self.of(context):
                return handler(event, context)

        return in_time
