"""What a process remembers for a while, so that it is not read again for each request."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True)
class Remembered[Value]:
    """A value that is still fresh; it may be None."""

    value: Value


class ShortMemory[Key: Hashable, Value]:
    """
    Remembers values by key.

    Args:
        seconds: How long a value is fresh.
        clock: Seconds that never run backwards.
        most: How many values are kept; at one more all are forgotten.
    """

    def __init__(self, seconds: float, clock: Callable[[], float], *, most: int = 1000) -> None:
        self._seconds = seconds
        self._clock = clock
        self._most = most
        self._values: dict[Key, tuple[float, Value]] = {}

    def get(self, key: Key) -> Remembered[Value] | None:
        """Return a value that is still fresh; None if there is none."""
        found = self._values.get(key)
        if found is None or self._clock() - found[0] >= self._seconds:
            return None
        return Remembered(found[1])

    def keep(self, key: Key, value: Value) -> Value:
        """Remember a value from now on, and return it."""
        if len(self._values) >= self._most:
            self._values.clear()
        self._values[key] = (self._clock(), value)
        return value

    def forget(self, key: Key) -> None:
        """Forget a value, if there is one."""
        self._values.pop(key, None)

    def __len__(self) -> int:
        return len(self._values)

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
