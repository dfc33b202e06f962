"""The simulator as a process: its end, its restart, its log and its pages."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dev.ports import choose_port
from simulator.dials import DIALS, Dials, read_dials
from simulator.server import KieSimulator, PortTakenError
from tests.simulator.support import HMAC_KEY, Client, Receiver, eventually

ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "simulator", *arguments]


@contextmanager
def running(port: int, state: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start the simulator and wait until it listens; kill it at the end. Its lines go to `log`."""
    arguments = ("--port", str(port), "--state", str(state), "--webhook-hmac-key", HMAC_KEY)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (state / "log").open("ab") as log:
        started = command(*arguments, *more)
        process = subprocess.Popen(
            started, cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        eventually(lambda: answers(port), 10)
        yield process
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def port() -> int:
    return choose_port()


def test_everything_survives_a_kill(port: int, tmp_path: Path, receiver: Receiver) -> None:
    url = f"http://127.0.0.1:{port}"
    options = ("--seconds", "0.2", "--create-limit", "3", "--credits", "100")
    with running(port, tmp_path, *options) as process, Client(url) as client:
        going_on = client.create("x [slow 1.5]", f"{receiver.url}1")
        undelivered = client.create("x [webhook late 1.5]", f"{receiver.url}2")
        failing = client.create("x [slow 1.5] [fail]")
        client.finished(undelivered)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert receiver.webhooks == []
    with running(port, tmp_path, *options), Client(url) as client:
        assert client.post("one too many").json()["code"] == 429
        # The third may have failed by now.
        assert client.credits() in {100 - 3 * 4, 100 - 2 * 4}
        told = {webhook.json["data"]["taskId"] for webhook in receiver.wait(2)}
        assert told == {going_on, undelivered}
        assert client.finished(failing)["state"] == "fail"
        assert client.credits() == 100 - 2 * 4
        assert client.links(going_on)
        assert len(client.sim("creations")) == 4


def test_a_webhook_on_its_way_is_sent_again_after_a_restart(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers = [500]
    options: dict[str, Any] = {
        "port": 0,
        "seconds": 0,
        "state": tmp_path,
        "retry_pauses_seconds": (0.5,),
    }
    with KieSimulator(**options) as sim, Client(sim.base_url) as client:
        client.create(url=receiver.url)
        receiver.wait(1)
        eventually(lambda: client.sim("tasks")[0]["webhooks"])
    with KieSimulator(**options) as sim, Client(sim.base_url) as client:
        receiver.wait(2)
        eventually(lambda: len(client.sim("tasks")[0]["webhooks"]) == 2)


def test_a_file_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "kie.sqlite3") as old:
        old.execute("CREATE TABLE tasks (task_id TEXT)")
    old.close()
    with KieSimulator(port=0, state=tmp_path, seconds=0) as sim, Client(sim.base_url) as client:
        task_id = client.create()
    with KieSimulator(port=0, state=tmp_path, seconds=0) as sim, Client(sim.base_url) as client:
        assert client.finished(task_id)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_a_second(
    port: int, tmp_path: Path, receiver: Receiver, number: signal.Signals
) -> None:
    receiver.delay_seconds = 3
    url = f"http://127.0.0.1:{port}"
    with running(port, tmp_path, "--seconds", "0") as process, Client(url) as client:
        client.create("x", receiver.url)
        client.create("x [slow 60]")
        receiver.wait()
        started = time.monotonic()
        process.send_signal(number)
        assert process.wait(5) == 0
        assert time.monotonic() - started < 2.5
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_busy_port_is_one_line_and_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            command("--port", port), cwd=ROOT, capture_output=True, text=True, check=False
        )
        with pytest.raises(PortTakenError):
            KieSimulator(port=int(port)).start()
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"cannot listen on 127.0.0.1:{port}: Address already in use"
    ]


def test_dials_are_printed_and_shown(client: Client) -> None:
    done = subprocess.run(command("--dials"), cwd=ROOT, capture_output=True, text=True, check=True)
    client.create("<b>bold</b>")
    page = client.http.get("/").text
    for dial in DIALS:
        assert dial.written in done.stdout
        assert dial.written in page
    assert "&lt;b&gt;bold" in page


def test_every_dial_written_in_the_table_is_understood() -> None:
    for dial in DIALS:
        for written in dial.written.replace("] [", "]|[").split("|"):
            assert read_dials(f"a {written.upper()} kite") != Dials(), written
    for plain in (
        "[kite]",
        "[webhook]",
        "[webhook late]",
        "[create 418]",
        "[fail safe]",
        "[]",
        "[[fail",
        "fail",
    ):
        assert read_dials(plain) == Dials()


def test_a_dial_may_be_for_one_model_only() -> None:
    text = "a kite [google/nano-banana: create 422 model] [slow 3]"
    assert read_dials(text, "google/nano-banana") == read_dials("[create 422 model] [slow 3]")
    assert read_dials(text, "z-image") == read_dials(text) == read_dials("[slow 3]")


def test_no_secret_is_logged(port: int, tmp_path: Path, receiver: Receiver) -> None:
    url = f"http://127.0.0.1:{port}"
    key = "k3y-of-the-api"
    with (
        running(port, tmp_path, "--api-key", key, "--seconds", "0") as process,
        Client(url, key) as client,
    ):
        task_id = client.create("x [webhook forged]", f"{receiver.url}?also=s3cret")
        get = client.http.get
        get(client.links(task_id)[0])
        assert "tok3n" not in get("/sim/tasks").text + get("/sim/creations").text + get("/").text
        receiver.wait(2)
        process.send_signal(signal.SIGTERM)
        process.wait(5)
    lines = (tmp_path / "log").read_text()
    signatures = [webhook.headers["x-webhook-signature"] for webhook in receiver.webhooks]
    for secret in ("tok3n", "n3kot", "s3cret", key, HMAC_KEY, *signatures):
        assert secret not in lines
    assert f"kie  {task_id} accepted" in lines


def test_reset_forgets_everything(client: Client) -> None:
    client.create()
    before = client.credits()
    assert client.http.post("/sim/reset").status_code == 200
    assert client.credits() == before + 4
    assert client.sim("tasks") == client.sim("creations") == []


def test_creations_are_listed_with_their_reasons(client: Client) -> None:
    client.create(url="http://127.0.0.1:9/callbacks/tok3n")
    client.post("x", model="unknown")
    accepted, refused = client.sim("creations")
    assert (accepted["accepted"], accepted["callBackUrl"]) == (
        True,
        "http://127.0.0.1:9/callbacks/***",
    )
    assert (refused["accepted"], refused["code"], refused["taskId"]) == (False, 422, None)
    assert "not supported" in refused["reason"]


def test_an_unknown_path_is_a_404_envelope(client: Client) -> None:
    response = client.http.get("/api/v1/nothing")
    assert (response.status_code, response.json()["code"]) == (404, 404)


def test_leaving_the_block_hangs_up_on_kept_connections() -> None:
    with httpx.Client(verify=False) as http:
        with KieSimulator(port=0) as sim:
            base_url = sim.base_url
            assert http.get(f"{base_url}/sim/tasks").status_code == 200
        with pytest.raises(httpx.HTTPError):
            http.get(f"{base_url}/sim/tasks")


def test_the_commands_of_the_readme_work(port: int, tmp_path: Path) -> None:
    readme = (ROOT / "simulator" / "README.md").read_text()
    [console] = re.findall(r"```console\n(.*?)```", readme, re.DOTALL)
    start, curl = console.replace("8100", str(port)).removeprefix("$ ").split("\n$ ")
    assert start.split()[:3] == [".venv/bin/python", "-m", "simulator"]
    with running(port, tmp_path, *start.split()[5:]), Client(f"http://127.0.0.1:{port}") as client:
        shell = ["bash", "-c", curl]
        answer = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
        assert client.links(json.loads(answer)["data"]["taskId"])
    told = subprocess.run(command("--help"), capture_output=True, text=True, check=True, cwd=ROOT)
    assert set(re.findall(r"`(--[a-z]+)", readme)) <= set(re.findall(r"--[a-z-]+", told.stdout))
    dials = re.findall(r"`(\[[^\]]+\])`", readme)
    assert [dial for dial in dials if read_dials(dial) == read_dials("")] == []
