"""One function process: AWS's own runtime client, one invocation at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from dev.functions import FunctionSpec, Outcome, bounded, failure, timed_out
from dev.runtime_api import RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.pool import WorkerPool

_END_SECONDS = 2.0
# What the runtime client prints when a function cannot be imported; `_failed_start` says it once.
_TOLD_BY_US = (b"[ERROR]", b"[WARNING]")
CHILD = str(Path(__file__).with_name("child.py"))


@dataclass
class Invocation:
    """One call of a function, from its event to its outcome."""

    spec: FunctionSpec
    payload: bytes
    patient: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    outcome: Future[Outcome] = field(default_factory=Future)
    # Unix time at which it must have ended; None until a process has taken it.
    deadline: float | None = None

    def headers(self) -> dict[str, str]:
        """Return the facts of the call as headers of Lambda's Runtime API."""
        deadline_ms = int((self.deadline or time.time()) * 1000)
        return {
            "Lambda-Runtime-Aws-Request-Id": self.id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.spec.arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{self.id[-12:]:0>24}",
        }

    def timed_out(self) -> Outcome:
        return timed_out(self.id, self.spec.timeout_seconds)

    def exited(self, returncode: int) -> Outcome:
        message = f"RequestId: {self.id} Error: Runtime exited with error: {exit_text(returncode)}"
        return failure("Runtime.ExitError", message)


class Worker:
    """One process of a function."""

    def __init__(self, pool: WorkerPool) -> None:
        self.pool = pool
        self.born = time.monotonic()
        self.starting = True
        self.idle_since: float | None = None
        self.current: Invocation | None = None
        self.init_outcome: Outcome | None = None
        self.outdated = False
        self._inbox: SimpleQueue[Invocation | None] = SimpleQueue()
        self._api = RuntimeApi(self)
        threading.Thread(target=self._api.serve_forever, daemon=True).start()
        self._process = _spawn(pool.spec, pool.environment, self._api.server_port)
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._follower.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def give(self, invocation: Invocation) -> None:
        self.idle_since = None
        self.current = invocation
        self._inbox.put(invocation)

    def is_alive(self) -> bool:
        # Popen.poll calls a process alive while another thread is about to reap it.
        try:
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return ended is None

    def kill(self) -> None:
        # A number whose process has been reaped may be another's by now.
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def await_end(self) -> None:
        self._follower.join(_END_SECONDS)

    # the process's side, see runtime_api.py

    def next(self) -> Invocation | None:
        self.pool.ready(self)
        invocation = self._inbox.get()
        if invocation is not None and self.is_alive():
            invocation.deadline = time.time() + self.pool.spec.timeout_seconds
            if not invocation.outcome.running():
                # Another process may have died with it in hand.
                invocation.outcome.set_running_or_notify_cancel()
        return invocation

    def finish(self, outcome: Outcome) -> None:
        self.pool.finished(self, bounded(outcome))

    def init_failed(self, outcome: Outcome) -> None:
        self.init_outcome = outcome

    def _follow(self) -> None:
        """Pass on what the process prints until it ends, then tell the pool."""
        with self._process:
            for line in self._process.stdout or ():
                if not (self.starting and line.startswith(_TOLD_BY_US)):
                    self.pool.log.function_line(self.pool.spec.label, line)
        self.pool.gone(self, self._process.returncode)
        self._inbox.put(None)
        self._api.stop()


def exit_text(returncode: int) -> str:
    if returncode < 0:
        return f"signal: {signal.strsignal(-returncode) or -returncode}".lower()
    return f"exit status {returncode}"


def _spawn(
    spec: FunctionSpec, environment: Mapping[str, str], port: int
) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join(str(folder) for folder in spec.import_folders)
    variables = {**environment, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}", "PYTHONPATH": paths}
    return subprocess.Popen(
        [sys.executable, CHILD, "awslambdaric", spec.handler],
        cwd=spec.code_folder,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def lambda_environment(spec: FunctionSpec, aws: Mapping[str, str]) -> dict[str, str]:
    """
    Return a function's whole environment: its own variables and those that Lambda adds.

    Nothing of this process' environment but what an interpreter needs, so that a setting
    missing in the template is missing here too.
    """
    return {
        **{k: os.environ[k] for k in ("PATH", "LANG", "LD_LIBRARY_PATH") if k in os.environ},
        **aws,
        "TZ": ":UTC",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "LAMBDA_TASK_ROOT": str(spec.code_folder),
        "_HANDLER": spec.handler,
        **spec.environment,
    }
