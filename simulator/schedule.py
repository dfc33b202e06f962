"""Does jobs when they are due: one thread that waits, and a few that work."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import traceback
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING

from simulator.database import DatabaseClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

type Job = Callable[[], None]
type _Work = tuple[Job, Future[None]]

_WORKERS = 24


class Schedule:
    """Jobs in the order of their time; what is not done at the end is left to the next start."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Work]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._ended = False
        self._ready: SimpleQueue[_Work | None] = SimpleQueue()
        # Daemons, because a receiver that takes its time must not hold up the end.
        threads = [threading.Thread(target=self._wait, daemon=True)]
        threads += [threading.Thread(target=self._work, daemon=True) for _ in range(_WORKERS)]
        for thread in threads:
            thread.start()

    def at(self, due: float, job: Job) -> Future[None]:
        """Do a job at a moment in unix seconds; the past means now."""
        done: Future[None] = Future()
        with self._changed:
            heapq.heappush(self._heap, (due, next(self._numbers), (job, done)))
            self._changed.notify()
        return done

    def close(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        for _ in range(_WORKERS):
            self._ready.put(None)

    def _wait(self) -> None:
        with self._changed:
            while not self._ended:
                seconds = self._heap[0][0] - time.time() if self._heap else None
                if seconds is None or seconds > 0:
                    self._changed.wait(seconds)
                else:
                    self._ready.put(heapq.heappop(self._heap)[2])

    def _work(self) -> None:
        while work := self._ready.get():
            if self._ended:
                return
            job, done = work
            try:
                job()
            except DatabaseClosedError:
                return
            except Exception:  # noqa: BLE001 - one broken job must not stop the others
                traceback.print_exc()
            done.set_result(None)
