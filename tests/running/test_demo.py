"""`make demo`: both roads once, told while it happens, and files to look at afterwards."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

LINE = re.compile(r"(task_\w{26})  (\w+) +road: (\S+) +(\d+\.\d) s")


def run_demo(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dev.demo"],
        env={**os.environ, "PYTHONPATH": "layers/gateway/python", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def demo() -> subprocess.CompletedProcess[str]:
    return run_demo()


def test_both_roads_end_in_pictures(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stderr
    _, _, tail = demo.stdout.partition("stored and read back:\n")
    paths = [Path(line.strip()) for line in tail.splitlines()]
    assert len(paths) == 2
    for path in paths:
        with Image.open(path) as picture:
            picture.load()
            assert picture.format == "PNG"


def test_progress_tells_each_tasks_road_and_time(demo: subprocess.CompletedProcess[str]) -> None:
    told = LINE.findall(demo.stdout)
    ended = {
        task: (road, float(took)) for task, status, road, took in told if status == "succeeded"
    }
    began = {task for task, _, road, _ in told if road == "-"}
    assert sorted(road for road, _ in ended.values()) == ["poll", "webhook"]
    assert began == ended.keys()
    seconds = dict(ended.values())
    # Nobody is asked in the first four seconds; following one after the other would count fewer.
    assert seconds["poll"] > 4
    assert seconds["webhook"] < seconds["poll"]


def test_a_gateway_that_does_not_start_fails_the_demo_and_says_why() -> None:
    failed = run_demo(KIE_API_KEY='with "quotes"')
    assert failed.returncode != 0
    assert "the gateway did not start" in failed.stderr
    assert "KIE_API_KEY" in failed.stderr
    assert "Traceback" not in failed.stderr
