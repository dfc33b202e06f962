"""Executions of the machine, which wait by the world's clock."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from dev import seams
from tests.functional.agenda import Agenda


class Executions:
    """
    Takes the place of waiting (`dev/seams.py`): an execution sleeps until its moment has come.

    Attributes:
        pauses: How long the machine paused before it tried a step again, in seconds.
    """

    def __init__(self, agenda: Agenda) -> None:
        self.pauses: list[float] = []
        self._agenda = agenda
        self._asleep: dict[str, Callable[[], None]] = {}
        self._held_up: set[Callable[[], None]] = set()

    def wait(self, seconds: float) -> None:
        """Take the place of a Wait state, in the execution's own thread."""
        if seconds:
            # What it waits for is a whole second; the real clock has gone on by microseconds.
            self._sleep_until(float(round(time.time() + seconds)))

    def pause(self, seconds: float) -> None:
        """Take the place of the pause before a retry."""
        self.pauses.append(seconds)
        self._sleep_until(self._agenda.time() + seconds)

    def sleep(self, seconds: float) -> None:
        """Let a function wait, and so the execution that has called it, while others go on."""
        woken = threading.Event()

        def wake() -> None:
            self._held_up.discard(wake)
            woken.set()

        self._held_up.add(wake)
        planned = self._agenda.at(self._agenda.time() + seconds, wake)
        woken.wait()
        planned.cancel()

    def are_awake(self) -> bool:
        """Tell whether an execution does something; one that was stopped in its sleep wakes up."""
        awake = 0
        for name, env in self._running():
            wake = self._asleep.get(name)
            if wake is None:
                awake += 1
            elif not env.is_running():
                wake()
                awake += 1
        # Which execution waits for which function cannot be seen; each waits for one.
        return awake > len(self._held_up)

    def wake_all(self) -> None:
        """Let those that were stopped come to their end."""
        for wake in (*self._asleep.values(), *self._held_up):
            wake()

    def _running(self) -> Iterator[tuple[str, Any]]:
        for execution in seams.running_executions():
            yield execution.name, execution.exec_worker.env

    def _sleep_until(self, due: float) -> None:
        if due <= self._agenda.time():
            return
        name, woken = threading.current_thread().name, threading.Event()

        def wake() -> None:
            self._asleep.pop(name, None)
            woken.set()

        planned = self._agenda.at(due, wake)
        self._asleep[name] = wake
        woken.wait()
        planned.cancel()
