"""Operators' commands on the running `make dev`, with the variables that it prints."""

import os
import re
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests.running.driver import create, settle
from tests.running.gateway import Gateway

PARAMETERS = "FirstPollSeconds=3 PollCapSeconds=2 DeadlineSeconds=90"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose Kie.ai nobody else uses."""
    gateway = Gateway(tmp_path_factory.mktemp("operators"), PARAMETERS)
    with gateway.started():
        yield gateway


def make(gateway: Gateway, *arguments: str) -> list[str]:
    """Run a target of the Makefile as somebody would who has pasted the line."""
    printed = re.search(r"^export (.+)$", gateway.log.read_text(), re.MULTILINE)
    assert printed is not None
    given = dict(pair.split("=", 1) for pair in printed[1].split())
    done = subprocess.run(
        ["make", "-s", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **given},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_key_is_made_on_it(own: Gateway) -> None:
    said = make(own, "key", "OWNER=zoe", "ARGS=--tasks-at-once 1")
    headers = {"Authorization": f"Bearer {said[-1]}"}
    assert httpx.get(f"{own.url}/v1/credits", headers=headers).json()["owner"] == "zoe"


@pytest.mark.parametrize("time", ["first", pytest.param("second", marks=pytest.mark.long)])
def test_its_ledger_agrees_with_the_tasks_and_with_kie(own: Gateway, time: str) -> None:
    """The second time, what Kie's balance has lost since the first is compared as well."""
    for prompt in ("a kite", "x [fail]", "x [webhook lost]"):
        settle(own.http, create(own.http, f"{time}: {prompt}")["id"])
    for arguments in ("", "--offline"):
        assert make(own, "reconcile", f"ARGS={arguments}")[-1].endswith(": 0 differences")


def test_its_archive_is_read_again(own: Gateway) -> None:
    settle(own.http, create(own.http, "a kite")["id"])
    assert re.fullmatch(r"[1-9]\d* bodies read, 0 differ, 0 recorded", make(own, "replay")[-1])


@pytest.mark.parametrize("command", ["key", "reconcile", "replay"])
def test_without_an_account_a_command_says_so_in_one_line(command: str) -> None:
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        ["make", "-s", command, "OWNER=zoe"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**others, "AWS_CONFIG_FILE": os.devnull},
        check=False,
    )
    assert done.returncode != 0
    words, made = done.stderr.splitlines()
    assert words == (
        "no AWS region: set AWS_REGION, or deploy first"
        " (`make dev` prints a line to paste for the gateway on this machine)"
    )
    assert re.match(r"make(\[\d\])?: \*\*\*", made)
