"""The gateway as `make dev` runs it, in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from dev.ports import choose_port

START_SECONDS = 60.0


class Gateway:
    """A gateway in a process of its own, as `make dev` starts it."""

    def __init__(
        self, state: Path, parameters: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.port = choose_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = state / "gateway.log"
        self.state = state / "state"
        self.environment = {
            **os.environ,
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_STATE": str(self.state),
            "GATEWAY_PARAMETERS": parameters,
            "PYTHONPATH": "layers/gateway/python",
            **(environment or {}),
        }
        self.kie_api_key = self.environment.get("KIE_API_KEY") or "local"
        self.start_seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self.http = httpx.Client(
            base_url=self.url, headers={"Authorization": "Bearer kg_local_dev"}, timeout=40
        )

    def start(self, *, process_group: int | None = None) -> None:
        began = time.monotonic()
        with self.log.open("wb") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "dev"],
                env=self.environment,
                stdout=sink,
                stderr=subprocess.STDOUT,
                process_group=process_group,
            )
        while f"ready {self.url}\n" not in self.log.read_text(errors="replace"):
            self.start_seconds = time.monotonic() - began
            if self._process.poll() is not None or self.start_seconds > START_SECONDS:
                raise AssertionError(self.log.read_text(errors="replace"))
            time.sleep(0.05)

    @contextmanager
    def started(self, *, process_group: int | None = None) -> Iterator[None]:
        """Start, and stop at the end if nobody has before."""
        try:
            self.start(process_group=process_group)
            yield
        finally:
            self.http.close()
            self.stop()

    def stop(self, how: int = signal.SIGINT) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        return self.wait(10)

    def press_ctrl_c(self) -> int:
        """Signal the whole process group, as a terminal does."""
        os.killpg(self.pid, signal.SIGINT)
        return self.wait(10)

    def wait(self, seconds: float) -> int:
        assert self._process is not None
        return self._process.wait(seconds)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def processes(self, function: str | None = None, *, busy: bool = False) -> list[int]:
        """Give the pids of a function's processes, or of every function's."""
        found = httpx.get(f"{self.url}/_dev/processes").json()
        chosen = found.values() if function is None else [found[function]]
        return [one["pid"] for some in chosen for one in some if one["busy"] or not busy]

    @property
    def simulator(self) -> str:
        line = next(
            line
            for line in self.log.read_text().splitlines()
            if line.startswith("simulated Kie.ai")
        )
        return line.split()[-1]
