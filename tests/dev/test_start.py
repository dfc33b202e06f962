"""`python -m dev` with this repository's own template: ready, killed, started again, stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from dev.ports import choose_port
from tests.dev.support import ROOT, alive, call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = {"Authorization": "Bearer kg_local_dev", "Content-Type": "application/json"}
TASK = b'{"model": "google/nano-banana", "input": {"prompt": "x"}}'


class Gateway:
    """The program, once it has said that it is ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        for line in process.stdout or ():
            self.said.append(line)
            if line.startswith("ready "):
                break
        self.url = self.said[-1].split()[-1]

    def pids(self) -> list[int]:
        found = call(self.url, "/_dev/processes").json()
        return [p["pid"] for processes in found.values() for p in processes]


@contextmanager
def gateway(state: Path) -> Iterator[Gateway]:
    """Run the gateway against a Kie.ai that is not there."""
    port = choose_port()
    env = {
        **os.environ,
        "GATEWAY_PORT": str(port),
        "GATEWAY_STATE": str(state),
        "KIE_BASE_URL": "http://127.0.0.1:9",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "dev"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Gateway(process)
        finally:
            process.kill()


# tests/running tells of each in more detail.
@pytest.mark.long
def test_gateway_runs_survives_and_stops(tmp_path: Path) -> None:
    """A task accepted before a kill is there afterwards; Ctrl-C ends every process."""
    started = time.monotonic()
    with gateway(tmp_path) as first:
        assert time.monotonic() - started < 60
        assert re.fullmatch(r"ready http://127\.0\.0\.1:\d+\n", first.said[-1])
        created = call(first.url, "/v1/tasks", "POST", TASK, KEY)
        assert created.status == 202
        task_id = created.json()["id"]
        first.process.kill()
    with gateway(tmp_path) as second:
        assert call(second.url, f"/v1/tasks/{task_id}", headers=KEY).json()["id"] == task_id
        pids, stopping = second.pids(), time.monotonic()
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(5) == 0
        assert time.monotonic() - stopping < 3
        assert not any(map(alive, pids))
