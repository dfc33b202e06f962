"""Take one task down each of the two roads, and read the files back: `make demo`."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from dev.ports import choose_port

KEY = "kg_local_dev"
START_SECONDS = 60.0
TASK_SECONDS = 90.0
ROADS = {
    "webhook": "a red kite over a lake",
    "poll": "a blue kite over a hill [webhook lost]",
}


def main() -> int:
    """Run the demonstration; 0 only if every file was read back."""
    with tempfile.TemporaryDirectory(prefix="kie-gateway-demo-") as state, _gateway(state) as url:
        client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=40)
        # Both at once, so that neither waits for the other.
        with ThreadPoolExecutor(len(ROADS)) as pool:
            paths = list(pool.map(lambda road: _bring_home(client, road), ROADS))
    print("\nstored and read back:")
    for path in paths:
        print(f"  {path}")
    return 0


def _bring_home(client: httpx.Client, road: str) -> Path:
    """Create a task, follow it until it has ended, then read its file."""
    began = time.monotonic()
    answer = client.post(
        "/v1/tasks", json={"model": "google/nano-banana", "input": {"prompt": ROADS[road]}}
    )
    task: dict[str, Any] = answer.raise_for_status().json()
    print(f"{task['id']}  {ROADS[road]}", flush=True)
    task = _follow(client, task, began)
    if task["status"] != "succeeded" or task["completed_by"] != road:
        by = task["completed_by"]
        raise SystemExit(f"expected success by {road}, got {task['status']} by {by}")
    return _read_back(client, task)


def _follow(client: httpx.Client, task: dict[str, Any], began: float) -> dict[str, Any]:
    """Print a line at each change until the task has ended; seconds count from its creation."""
    told = ""
    while time.monotonic() - began < TASK_SECONDS:
        if task["status"] != told:
            told = task["status"]
            by = task["completed_by"] or "-"
            seconds = time.monotonic() - began
            print(f"{task['id']}  {told:<10}  road: {by:<8}  {seconds:5.1f} s", flush=True)
        if told in ("succeeded", "failed", "canceled", "expired"):
            break
        time.sleep(0.3)
        task = client.get(f"/v1/tasks/{task['id']}").raise_for_status().json()
    return task


def _read_back(client: httpx.Client, task: dict[str, Any]) -> Path:
    output = task["outputs"][0]
    answer = client.get(f"/v1/tasks/{task['id']}/outputs/0/content", follow_redirects=True)
    content = answer.raise_for_status().content
    if hashlib.sha256(content).hexdigest() != output["sha256"] or len(content) != output["bytes"]:
        raise SystemExit(f"{task['id']}: the file read back is not the file that was stored")
    folder = Path(".dev/demo")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{task['id']}.{output['content_type'].rpartition('/')[2]}"
    path.write_bytes(content)
    return path.resolve()


@contextmanager
def _gateway(state: str) -> Iterator[str]:
    """Run `make dev`'s program on a free port, out of the way of one that runs already."""
    port = choose_port()
    environment = {**os.environ, "GATEWAY_PORT": str(port), "GATEWAY_STATE": state}
    for name in ("KIE_BASE_URL", "PUBLIC_URL", "GATEWAY_PARAMETERS"):
        environment.pop(name, None)
    log = Path(state) / "gateway.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "dev"], env=environment, stdout=sink, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(process, log)
        yield f"http://127.0.0.1:{port}"
    except BaseException:
        print(log.read_text(errors="replace"), file=sys.stderr)
        raise
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    began = time.monotonic()
    while "\nready http" not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() - began > START_SECONDS:
            raise SystemExit("the gateway did not start")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
