"""Starting and ending: clear words, what the environment says, and nothing left behind."""

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.ports import choose_port
from tests.running.driver import create, settle
from tests.running.gateway import Gateway

END_SECONDS = 5
PUBLIC_URL = "https://tunnel.invalid"
ENVIRONMENT = {**os.environ, "PYTHONPATH": "layers/gateway/python"}


def run_dev(state: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"GATEWAY_PORT": str(choose_port()), "GATEWAY_STATE": str(state), **environment}
    return subprocess.run(
        [sys.executable, "-m", "dev"],
        env={**ENVIRONMENT, **given},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def eventually(found: Callable[[], Any], seconds: float = END_SECONDS) -> None:
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until
        time.sleep(0.05)


def signal_another_thread(pid: int, number: signal.Signals) -> None:
    """Let any thread but the main one take a signal, which the system may do with every signal."""
    tasks = Path(f"/proc/{pid}/task")
    if not tasks.exists():
        os.kill(pid, number)
        return
    thread = next(int(task.name) for task in tasks.iterdir() if int(task.name) != pid)
    assert ctypes.CDLL(None).tgkill(pid, thread, int(number)) == 0


# --- not starting -------------------------------------------------------------------------------


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Make sure that one line says what to do, and that nothing was begun."""
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert all(word in line for word in words), line


def test_a_busy_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert_refused(run_dev(tmp_path, GATEWAY_PORT=port), port, "GATEWAY_PORT")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_an_unusable_port_is_named(tmp_path: Path, port: str) -> None:
    assert_refused(run_dev(tmp_path, GATEWAY_PORT=port), f"GATEWAY_PORT={port}")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("NoSuchParameter=1", ["unknown parameter NoSuchParameter", "DeadlineSeconds"]),
        ("nonsense", ["'nonsense'", "Name=Value"]),
        ("DeadlineSeconds='60", ["Name=Value"]),
        ("DeadlineSeconds=soon", ["DeadlineSeconds=soon", "a number"]),
        ("DeadlineSeconds=1", ["DeadlineSeconds=1", "at least 10"]),
        ("DeadlineSeconds=", ["DeadlineSeconds=", "a number"]),
        ("KieBaseUrl=kie.ai", ["KieBaseUrl=kie.ai"]),
    ],
)
def test_unusable_parameters_are_named(tmp_path: Path, given: str, words: list[str]) -> None:
    done = run_dev(tmp_path, GATEWAY_PARAMETERS=given)
    assert_refused(done, "GATEWAY_PARAMETERS", *words)


def test_an_unusable_key_is_named_and_not_repeated(tmp_path: Path) -> None:
    done = run_dev(tmp_path, KIE_API_KEY='secret"quoted')
    assert_refused(done, "KIE_API_KEY", "without quotes")
    assert "secret" not in done.stderr


# --- as it comes --------------------------------------------------------------------------------


def test_it_starts_says_how_to_use_it_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, "")
    with gateway.started(process_group=0):
        said = gateway.log.read_text()
        assert f"ready {gateway.url}" in said.splitlines()
        assert "key  kg_local_dev" in said.splitlines()
        assert "KIE_API_KEY" not in said
        [curl] = re.findall(r"^curl .*?'$(?!\\)", said, re.MULTILINE | re.DOTALL)
        if shutil.which("curl"):
            pasted = subprocess.run(["sh", "-c", f"{curl} -s"], capture_output=True, check=True)
            assert b'"status":"succeeded"' in pasted.stdout
        simulator, pids = gateway.simulator, gateway.processes()
        assert answers(simulator)
        assert len(pids) >= 5
        began = time.monotonic()
        assert gateway.press_ctrl_c() == 0
        eventually(lambda: not any(map(alive, pids)))
        assert time.monotonic() - began < END_SECONDS
    assert not answers(simulator)
    assert not answers(f"{gateway.url}/v1/health")
    assert "Traceback" not in gateway.log.read_text()


def test_ctrl_c_while_it_starts_ends_everything_too(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, "")
    with subprocess.Popen(
        [sys.executable, "-m", "dev"],
        env=gateway.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        simulator = process.stdout.readline().split()[-1]
        assert answers(simulator)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(END_SECONDS) == 0
    assert "ready" not in rest
    assert "Traceback" not in rest
    assert not answers(simulator)
    gateway.http.close()


# --- with another Kie.ai ------------------------------------------------------------------------


@contextmanager
def other_kie() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a simulator of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "simulator", "--port", str(choose_port())],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1], process
        finally:
            process.kill()


@pytest.mark.long
def test_another_kie_is_used_called_back_at_the_public_address_and_left_running(
    tmp_path: Path,
) -> None:
    with other_kie() as (kie, process):
        environment = {"KIE_BASE_URL": kie, "PUBLIC_URL": f"{PUBLIC_URL}/", "KIE_API_KEY": ""}
        gateway = Gateway(tmp_path, "FirstPollSeconds=2 PollCapSeconds=2", environment)
        with gateway.started():
            said = gateway.log.read_text().splitlines()
            assert f"Kie.ai  {kie}" in said
            assert any("KIE_API_KEY is not set" in line for line in said)
            assert not any("simulated" in line for line in said if "KIE_API_KEY" not in line)
            task = create(gateway.http, "a kite")
            assert task["urls"]["self"] == f"{PUBLIC_URL}/v1/tasks/{task['id']}"
            settled = settle(gateway.http, task["id"])
            assert (settled["status"], settled["completed_by"]) == ("succeeded", "poll")
            [seen] = httpx.get(f"{kie}/sim/tasks").json()
            assert seen["callBackUrl"] == f"{PUBLIC_URL}/callbacks/kie/{task['id']}/***"
            pids = gateway.processes()
            signal_another_thread(gateway.pid, signal.SIGTERM)
            assert gateway.wait(END_SECONDS) == 0
            eventually(lambda: not any(map(alive, pids)))
        assert answers(kie)
        signal_another_thread(process.pid, signal.SIGINT)
        assert process.wait(END_SECONDS) == 0
