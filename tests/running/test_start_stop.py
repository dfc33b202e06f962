"""Starting and ending: clear words, and nothing left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.running.conftest import Gateway


def run_dev(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dev"],
        env={**os.environ, "PYTHONPATH": "layers/gateway/python", **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_busy_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run_dev(GATEWAY_PORT=port, GATEWAY_STATE=str(tmp_path))
    assert done.returncode != 0
    [line] = (done.stdout + done.stderr).strip().splitlines()
    assert port in line
    assert "GATEWAY_PORT" in line


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("NoSuchParameter=1", "NoSuchParameter"),
        ("nonsense", "Name=Value"),
        ("DeadlineSeconds=soon", "DeadlineSeconds"),
        ("DeadlineSeconds=1", "DeadlineSeconds"),
    ],
)
def test_unusable_parameters_are_named(tmp_path: Path, given: str, words: str) -> None:
    done = run_dev(GATEWAY_PARAMETERS=given, GATEWAY_STATE=str(tmp_path), GATEWAY_PORT="8999")
    assert done.returncode != 0
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ending_it_ends_everything(tmp_path: Path, number: int) -> None:
    gateway = Gateway(tmp_path, "")
    started = time.monotonic()
    gateway.start()
    assert time.monotonic() - started < 15
    shown = httpx.get(f"{gateway.url}/_dev/processes").json()
    pids = [one["pid"] for workers in shown.values() for one in workers]
    assert pids
    text = gateway.log.read_text()
    assert f"ready {gateway.url}" in text.splitlines()
    assert "kg_local_dev" in text
    assert "curl" in text
    gateway.stop(number)
    gateway.http.close()
    until = time.monotonic() + 5
    while time.monotonic() < until and any(Path(f"/proc/{pid}").exists() for pid in pids):
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{gateway.url}/v1/health")


def test_the_demonstration_reads_its_files_back() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    done = subprocess.run(
        [sys.executable, "-m", "dev.demo"],
        env={**os.environ, "PYTHONPATH": "layers/gateway/python", "GATEWAY_PORT": port},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    paths = [Path(word) for word in done.stdout.split() if word.endswith(".png")]
    assert len(paths) == 2
    for path in paths:
        assert path.read_bytes().startswith(b"\x89PNG")
    for word in ("webhook", "poll", "succeeded"):
        assert word in done.stdout
