"""Time that passes only when a test says so, and what is due at which moment."""

import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime

type Job = Callable[[], object]


class Agenda:
    """
    The clock of a whole world, and everything that somebody in it plans to do later.

    It starts an hour from now, on a whole second: Step Functions' Wait states, which look at the
    real clock, then always have something to wait for. What is due at the same moment happens at
    the same moment, each job in a thread of its own.
    """

    def __init__(self) -> None:
        self._now = float(math.ceil(time.time()) + 3600)
        self._heap: list[tuple[float, int, Job, Future[None]]] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._at_work = 0
        self._broken: list[BaseException] = []

    def time(self) -> float:
        """Tell the moment in unix seconds."""
        return self._now

    def now(self) -> datetime:
        """Tell the moment in whole milliseconds, as the gateway does."""
        return datetime.fromtimestamp(round(self._now, 3), UTC)

    def sleep(self, seconds: float) -> None:
        """Let time pass while somebody is at work."""
        with self._lock:
            self._now += seconds

    def sleep_from_now(self, seconds: float) -> None:
        """Let time pass for several who wait at the same time."""
        until = self.time() + seconds
        with self._lock:
            self._now = max(self._now, until)

    def start_afresh(self) -> None:
        """Forget what is planned, and go to the next whole second."""
        with self._lock:
            self._heap.clear()
            self._now = float(math.floor(self._now) + 1)

    def at(self, due: float, job: Job) -> Future[None]:
        """Plan a job; one that is due already is begun at once."""
        done: Future[None] = Future()
        with self._lock:
            if due > self._now:
                heapq.heappush(self._heap, (due, next(self._numbers), job, done))
                return done
        self._begin(job, done)
        return done

    def close(self) -> None:
        """Do nothing: the simulator closes its schedule, and this one serves others as well."""

    def is_busy(self) -> bool:
        """
        Tell whether a job is being done.

        Raises:
            BaseException: A job has failed.
        """
        with self._lock:
            if self._broken:
                raise self._broken.pop()
            return self._at_work > 0

    def go_on(self) -> bool:
        """Go to the next moment at which something is due, and begin it; False if nothing is."""
        begun: list[tuple[Job, Future[None]]] = []
        with self._lock:
            while self._heap and (not begun or self._heap[0][0] <= self._now):
                due, _, job, done = heapq.heappop(self._heap)
                if done.set_running_or_notify_cancel():
                    self._now = max(self._now, due)
                    begun.append((job, done))
        for job, done in begun:
            self._begin(job, done)
        return bool(begun)

    def _begin(self, job: Job, done: Future[None]) -> None:
        with self._lock:
            self._at_work += 1
        threading.Thread(target=self._do, args=(job, done), daemon=True).start()

    def _do(self, job: Job, done: Future[None]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - told to the test by is_busy
            self._broken.append(error)
        done.set_result(None)
        with self._lock:
            self._at_work -= 1
