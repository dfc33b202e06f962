"""Whatever is killed, the other road finishes."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.running.conftest import Gateway
from tests.running.driver import accepted_creations, assert_stored, create, settle

PARAMETERS = "FirstPollSeconds=3 PollCapSeconds=2 DeadlineSeconds=90"


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path, PARAMETERS)
    gateway.start()
    yield gateway
    gateway.http.close()
    gateway.stop()


def processes(gateway: Gateway) -> dict[str, list[int]]:
    shown = httpx.get(f"{gateway.url}/_dev/processes").json()
    return {name: [one["pid"] for one in workers] for name, workers in shown.items()}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return ") Z " not in Path(f"/proc/{pid}/stat").read_text()


def test_the_whole_gateway_killed_goes_on_where_it_was(stopped: Gateway) -> None:
    gateway = stopped
    prompts = ["a kite", "x [slow 6]", "x [webhook lost]", "x [create 429]", "x [file slow 5]"]
    tasks = [create(gateway.http, prompt) for prompt in prompts]
    time.sleep(2)
    pids = [pid for found in processes(gateway).values() for pid in found]
    gateway.stop(signal.SIGKILL)
    until = time.monotonic() + 5
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(alive(pid) for pid in pids), "functions outlive the gateway"
    gateway.start()
    for task in tasks:
        settled = settle(gateway.http, task["id"], 80)
        assert settled["status"] == "succeeded", settled
        assert_stored(gateway.http, settled)
        assert accepted_creations(gateway.http, gateway.simulator, task["id"]) == 1


@pytest.mark.parametrize("function", ["StoreFunction", "WatchFunction", "CallbackFunction"])
def test_a_killed_function_is_made_up_for(gateway: Gateway, function: str) -> None:
    lost = " [webhook lost]" if function == "WatchFunction" else ""
    task = create(gateway.http, f"x [file slow 3]{lost}")
    until = time.monotonic() + 8
    killed: set[int] = set()
    while time.monotonic() < until and len(killed) < 2:
        for pid in processes(gateway).get(function, []):
            if pid not in killed:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        time.sleep(1)
    assert killed
    settled = settle(gateway.http, task["id"], 80)
    assert settled["status"] == "succeeded", settled
    assert accepted_creations(gateway.http, gateway.simulator, task["id"]) == 1
