"""The simulated Kie.ai as a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from dev.settings import SettingsError
from dev.workers import CHILD
from sam_template.template import ROOT

if TYPE_CHECKING:
    from dev.logs import Log
    from dev.settings import Settings

_START_SECONDS = 10.0
_END_SECONDS = 1.0


class Simulator:
    """Runs `python -m simulator` until the block ends; its lines are passed on as they are."""

    def __init__(self, chosen: Settings, log: Log) -> None:
        self._chosen = chosen
        self._log = log
        self._ending = False

    def __enter__(self) -> Self:
        state = self._chosen.state_folder / "kie"
        state.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, CHILD, "simulator", *self._arguments(str(state))],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._follow, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        self._signal(signal.SIGKILL)

    def wait(self) -> None:
        """Wait until it listens."""
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return
            time.sleep(0.05)
        raise SettingsError("the simulated Kie.ai does not start; the lines above say why")

    @property
    def _port(self) -> int:
        return self._chosen.simulator_port or 0

    def _arguments(self, state: str) -> list[str]:
        keys = self._chosen.kie_keys
        return [
            *("--port", str(self._port)),
            *("--state", state),
            *("--webhook-hmac-key", keys["webhook_hmac_key"]),
            *("--api-key", keys["api_key"]),
        ]

    def _follow(self) -> None:
        for line in self._process.stdout or ():
            self._log.plain(line.decode(errors="replace").rstrip("\n"))
        if not self._ending:
            self._log.line("dev", "the simulated Kie.ai has stopped unexpectedly", level="ERROR")

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
