"""A headless Chromium, driven over its DevTools protocol."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

START_SECONDS = 60.0
PATIENCE_SECONDS = 30.0


def find() -> str:
    """Find the program; without it, tests are skipped, but not where all of them must be run."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None and os.environ.get("CI"):
        pytest.fail("there is no Chromium, and the examples in docs/live-updates.md were not run")
    if found is None:
        pytest.skip("there is no Chromium to run the examples in docs/live-updates.md with")
    return found


class Tab:
    """One tab, and its page's JavaScript."""

    def __init__(self, devtools: ClientConnection) -> None:
        self._devtools = devtools
        self._numbers = itertools.count(1)

    def run(self, code: str) -> Any:
        """Run JavaScript, and give what it comes to; a promise is waited for."""
        answer = self._call(
            "Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, code: str) -> Any:
        """Wait until JavaScript comes to something true, and give it."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (found := self.run(code)):
            assert time.monotonic() < end, f"still not: {code}"
            time.sleep(0.02)
        return found

    def open(self, url: str) -> Self:
        self._call("Page.navigate", url=url)
        self.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")
        return self

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        call = {"id": number, "method": method, "params": parameters}
        self._devtools.send(json.dumps(call))
        while True:
            message = json.loads(self._devtools.recv(timeout=PATIENCE_SECONDS))
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result


class Chromium:
    """A running browser."""

    def __init__(self, address: str) -> None:
        self._address = address

    @contextmanager
    def tab(self) -> Iterator[Tab]:
        made = httpx.put(f"{self._address}/json/new?about:blank").raise_for_status().json()
        with connect(made["webSocketDebuggerUrl"], max_size=None) as devtools:
            yield Tab(devtools)
        httpx.get(f"{self._address}/json/close/{made['id']}")


@contextmanager
def chromium(folder: Path) -> Iterator[Chromium]:
    """Start a browser that keeps its things in a folder."""
    command = [
        *(find(), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync"),
        *("--disable-component-update", "--no-proxy-server", "--remote-debugging-port=0"),
        *(f"--user-data-dir={folder}", "about:blank"),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield Chromium(f"http://127.0.0.1:{_port(folder, process)}")
    finally:
        # Its own session: the browser's other processes end with it.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _port(folder: Path, process: subprocess.Popen[bytes]) -> int:
    """Wait until the browser has written down where it listens."""
    written, end = folder / "DevToolsActivePort", time.monotonic() + START_SECONDS
    while not (written.exists() and written.read_text().count("\n")):
        assert process.poll() is None, "the browser ended at once"
        assert time.monotonic() < end, "the browser does not start"
        time.sleep(0.02)
    return int(written.read_text().splitlines()[0])
