"""All processes of a function: as many as there are invocations, up to a limit."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from dev.functions import Outcome, failure
from dev.workers import Invocation, Worker, exit_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from dev.functions import Function, FunctionSpec
    from dev.logs import Log

MAX_PROCESSES = 40
MAX_STARTING = 3
IDLE_SECONDS = 60.0
INIT_SECONDS = 30.0


class WorkerPool:
    """
    All processes of one function.

    Grows while invocations wait, at most three cold starts at a time; shrinks to one when idle.
    Lambda starts any number at once; this machine does not, so those that only wait for news come
    last, and leave a process to everybody else.
    Outcomes are handed over outside the lock, for whoever waits may call again at once.
    """

    def __init__(self, spec: FunctionSpec, environment: Mapping[str, str], log: Log) -> None:
        self.spec = spec
        self.environment = environment
        self.log = log
        self._lock = threading.RLock()
        self._waiting: deque[Invocation] = deque()
        self._idle: list[Worker] = []
        self._starting: set[Worker] = set()
        self._workers: set[Worker] = set()
        self._stopped = threading.Event()
        threading.Thread(target=self._supervise, daemon=True).start()

    def submit(self, payload: bytes, *, patient: bool = False) -> Future[Outcome]:
        invocation = Invocation(self.spec, payload, patient)
        with self._lock:
            self._waiting.append(invocation)
            self._dispatch()
        return invocation.outcome

    def prewarm(self) -> None:
        with self._lock:
            if not self._workers and not self._stopped.is_set():
                self._start()

    def replace(self) -> None:
        """End every process once its current invocation is over: the code has changed."""
        with self._lock:
            for worker in self._workers:
                worker.outdated = True
            leaving = [w for w in self._workers if w.current is None]
            for worker in leaving:
                self._forget(worker)
        for worker in leaving:
            worker.kill()
        self.prewarm()

    def processes(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{"pid": w.pid, "busy": w.current is not None} for w in self._workers]

    def stop(self) -> None:
        self._stopped.set()
        with self._lock:
            workers, waiting = list(self._workers), list(self._waiting)
            self._waiting.clear()
        for invocation in waiting:
            _settle(invocation, failure("Runtime.Stopped", "the local cloud has been stopped"))
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.await_end()

    # what workers tell

    def ready(self, worker: Worker) -> None:
        with self._lock:
            if worker in self._starting:
                self._starting.discard(worker)
                worker.starting = False
                self._make_idle(worker)

    def finished(self, worker: Worker, outcome: Outcome) -> None:
        with self._lock:
            invocation, worker.current = worker.current, None
            if worker.outdated:
                self._forget(worker)
                worker.kill()
            elif worker in self._workers:
                self._make_idle(worker)
        if invocation is not None:
            _settle(invocation, outcome)

    def gone(self, worker: Worker, returncode: int) -> None:
        """Take a dead process out, and answer for what it had in hand."""
        with self._lock:
            in_hand, worker.current = worker.current, None
            failed_start = worker in self._starting
            self._forget(worker)
            if in_hand is not None and in_hand.deadline is None:
                # It died before it took the invocation; another one will.
                self._waiting.appendleft(in_hand)
                in_hand = None
            failed = self._failed_start(worker, returncode) if failed_start else None
            refused = self._waiting.popleft() if failed and self._waiting else None
            self._dispatch()
        if in_hand is not None:
            self._settle_lost(in_hand, returncode)
        if refused is not None and failed is not None:
            _settle(refused, failed)

    def _settle_lost(self, invocation: Invocation, returncode: int) -> None:
        overdue = time.time() >= (invocation.deadline or 0)
        outcome = invocation.timed_out() if overdue else invocation.exited(returncode)
        if not self._stopped.is_set():
            self.log.line(self.spec.label, outcome.value()["errorMessage"], level="ERROR")
        _settle(invocation, outcome)

    def _failed_start(self, worker: Worker, returncode: int) -> Outcome | None:
        if self._stopped.is_set() or worker.outdated:
            return None
        message = f"Runtime exited before it was ready: {exit_text(returncode)}"
        outcome = worker.init_outcome or failure("Runtime.ExitError", message)
        error = outcome.value()
        text = f"does not start: {error.get('errorType')}: {error.get('errorMessage')}"
        trace = "".join(error.get("stackTrace") or ())
        self.log.line(self.spec.label, f"{text}\n{trace}".rstrip(), level="ERROR")
        return outcome

    # under the lock

    def _make_idle(self, worker: Worker) -> None:
        worker.idle_since = time.monotonic()
        self._idle.append(worker)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._idle and (invocation := self._next()) is not None:
            worker = self._idle.pop()
            # One that was killed a moment ago is about to be taken out by its follower.
            if worker.is_alive():
                self._waiting.remove(invocation)
                worker.give(invocation)
        while self._wants_another():
            self._start()

    def _next(self) -> Invocation | None:
        """Choose who gets an idle process; the last one is for those who do not wait for news."""
        for invocation in self._waiting:
            if not invocation.patient:
                return invocation
        may_take = len(self._idle) > 1 or not self._serves_patient()
        return self._waiting[0] if self._waiting and may_take else None

    def _serves_patient(self) -> bool:
        return any(w.current is not None and w.current.patient for w in self._workers)

    def _wants_another(self) -> bool:
        wanted = len(self._waiting) - len(self._idle)
        if self._serves_patient():
            # And one to spare.
            wanted += 1
        return (
            not self._stopped.is_set()
            and len(self._starting) < min(wanted, MAX_STARTING)
            and len(self._workers) < MAX_PROCESSES
        )

    def _start(self) -> None:
        worker = Worker(self)
        self._workers.add(worker)
        self._starting.add(worker)

    def _forget(self, worker: Worker) -> None:
        self._workers.discard(worker)
        self._starting.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)

    # the supervisor's thread

    def _supervise(self) -> None:
        while not self._stopped.wait(0.1):
            with self._lock:
                ending = [w for w in self._workers if self._overdue(w)] + self._superfluous()
            for worker in ending:
                worker.kill()

    def _overdue(self, worker: Worker) -> bool:
        if worker in self._starting:
            return time.monotonic() - worker.born > INIT_SECONDS
        deadline = worker.current.deadline if worker.current else None
        return deadline is not None and time.time() >= deadline

    def _superfluous(self) -> list[Worker]:
        limit = time.monotonic() - IDLE_SECONDS
        stale = [w for w in self._idle if (w.idle_since or limit) < limit]
        ending = stale[: max(len(self._workers) - 1, 0)]
        for worker in ending:
            self._forget(worker)
        return ending


def _settle(invocation: Invocation, outcome: Outcome) -> None:
    if not invocation.outcome.done():
        invocation.outcome.set_result(outcome)


def describe(functions: Mapping[str, Function]) -> bytes:
    """List the processes of every function, for `GET /_dev/processes`."""
    return json.dumps({name: f.processes() for name, f in functions.items()}).encode()
