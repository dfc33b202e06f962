"""The running `make dev`, driven from outside over HTTP only."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.running.described import Described
from tests.running.driver import end_line, new_key

START_SECONDS = 60.0
# Unlike anything else, so that they can be searched for.
KIE_API_KEY = "kie-key-of-these-tests"
KIE_WEBHOOK_HMAC_KEY = "webhook-key-of-these-tests"


class Gateway:
    """A gateway in a process of its own, as `make dev` starts it."""

    def __init__(
        self, state: Path, parameters: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
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


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    running = Gateway(
        tmp_path_factory.mktemp("gateway"),
        "FirstPollSeconds=5 PollCapSeconds=2 DeadlineSeconds=90",
        {"KIE_API_KEY": KIE_API_KEY, "KIE_WEBHOOK_HMAC_KEY": KIE_WEBHOOK_HMAC_KEY},
    )
    with running.started():
        yield running


@pytest.fixture(scope="session")
def patient_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that asks late, so that webhooks come first however busy the machine is."""
    running = Gateway(
        tmp_path_factory.mktemp("patient"),
        "FirstPollSeconds=60 PollCapSeconds=2 DeadlineSeconds=240",
        {"KIE_API_KEY": KIE_API_KEY, "KIE_WEBHOOK_HMAC_KEY": KIE_WEBHOOK_HMAC_KEY},
    )
    with running.started():
        yield running


@pytest.fixture
def no_line(gateway: Gateway) -> None:
    """Let what Kie.ai refused to an earlier test hold up nothing."""
    end_line(gateway.http)


@pytest.fixture(scope="session")
def described(gateway: Gateway) -> Described:
    """Check answers by the document that the gateway itself hands out."""
    return Described(httpx.get(f"{gateway.url}/v1/openapi.json").json())


@pytest.fixture(scope="session")
def caller(gateway: Gateway, described: Described) -> Iterator[httpx.Client]:
    """Call with the local key."""
    with described.client(gateway.url, "kg_local_dev") as client:
        yield client


@pytest.fixture(scope="session")
def other_key(gateway: Gateway) -> str:
    """The key of another owner."""
    return new_key(gateway.http, "another")


@pytest.fixture(scope="session")
def stranger(gateway: Gateway, described: Described, other_key: str) -> Iterator[httpx.Client]:
    """Call with a key of another owner."""
    with described.client(gateway.url, other_key) as client:
        yield client


@pytest.fixture
def fresh_gateway(tmp_path: Path) -> Iterator[Gateway]:
    running = Gateway(tmp_path, "FirstPollSeconds=3 PollCapSeconds=2 DeadlineSeconds=90")
    with running.started():
        yield running


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
