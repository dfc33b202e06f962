"""Operators' commands: they find the gateway by themselves, and say what is missing."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from scripts import deployments, webhooks
from scripts.deployments import Deployment
from scripts.stack import run as run_command
from tests.deploy.aws import REGION, Account
from tests.deploy.conftest import ROOT

type Command = Callable[..., subprocess.CompletedProcess[str]]
COMMANDS = ["make_key", "reconcile", "replay", "destroy", "change_keys"]
USE_PROFILES = [*COMMANDS, "deploy"]


@pytest.fixture
def command(account: Account, tmp_path: Path) -> Command:
    """Run one where nobody has exported anything."""

    def command(name: str, **environ: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"layers/gateway/python:{ROOT}",
            "DEPLOY_FILE": str(tmp_path / "deploy.toml"),
            **account.environment,
            **environ,
        }
        return subprocess.run(
            [sys.executable, "-m", f"scripts.{name}"],
            env={key: value for key, value in environment.items() if value},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_without_anything_it_says_what_is_missing(name: str, command: Command) -> None:
    """It used to be boto3's "You must specify a region"."""
    refused(command(name), "no AWS region", "AWS_REGION", "deploy first", "`make dev`")


def test_without_credentials_it_says_how_to_get_some(command: Command) -> None:
    """In one line, and not botocore's."""
    done = command("reconcile", AWS_REGION=REGION, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    refused(done, "no AWS credentials", "aws sso login", "AWS_PROFILE")


@pytest.mark.parametrize("name", USE_PROFILES)
def test_the_profile_of_the_environment_is_used(name: str, command: Command) -> None:
    """The local cloud forgets a person's profile; commands for the deployed gateway may not."""
    done = command(name, AWS_PROFILE="missing", AWS_REGION=REGION, STACK="kie")
    refused(done, "profile (missing) could not be found", "set AWS_PROFILE")


def test_it_looks_where_the_gateway_was_deployed(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stack and region are those of the last `make deploy`; the environment may name others."""
    monkeypatch.setenv("DEPLOY_FILE", str(tmp_path / "deploy.toml"))
    deployments.keep(Deployment("mine", "ap-east-1"))
    refused(command("reconcile"), "no stack mine in ap-east-1", "make deploy")
    refused(command("reconcile", AWS_REGION=REGION), f"no stack mine in {REGION}")
    refused(command("reconcile", STACK="other", AWS_REGION=REGION), "no stack other")


def test_a_file_that_cannot_be_read_is_named(command: Command, tmp_path: Path) -> None:
    """It may be changed by hand."""
    (tmp_path / "deploy.toml").write_text("stack = kie")
    refused(command("reconcile", AWS_REGION=REGION), "deploy.toml", "line 1")


# --- webhooks -------------------------------------------------------------------------------------


@pytest.fixture
def told(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    for key, value in {**account.environment, "AWS_DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    def told(stack: str, **counts: int) -> tuple[int, str]:
        for metric, number in counts.items():
            account.client("cloudwatch").put_metric_data(
                Namespace="KieGateway",
                MetricData=[
                    {
                        "MetricName": metric,
                        "Dimensions": [{"Name": "service", "Value": stack}],
                        "Timestamp": datetime.now(UTC),
                        "Value": number,
                    }
                ],
            )
        monkeypatch.setattr("sys.argv", ["webhooks", "--stack", stack])
        return webhooks.main(), capsys.readouterr().out

    return told


def test_a_wrong_webhook_key_is_told(told: Callable[..., tuple[int, str]]) -> None:
    """Every webhook was refused, and nobody heard of it."""
    code, said = told("wrong", WebhookRefused=7)
    assert code == 1
    assert "0 accepted, 7 refused" in said
    assert "make kie-keys" in said


def test_webhooks_that_come_through_are_counted(told: Callable[..., tuple[int, str]]) -> None:
    """Whatever became of them."""
    code, said = told("right", WebhookAccepted=3, WebhookDuplicate=2)
    assert (code, said) == (0, "webhooks in 24 hours: 5 accepted, 0 refused\n")
    code, said = told("quiet")
    assert (code, "None has arrived" in said) == (0, True)
    code, said = told("both", WebhookAccepted=3, WebhookRefused=1)
    assert (code, "Some were refused" in said) == (1, True)


def test_ctrl_c_ends_a_command_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As every program of a shell does."""
    monkeypatch.setenv("DEPLOY_FILE", "/nowhere/deploy.toml")

    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        run_command(interrupted)
    assert ended.value.code == 130
    assert capsys.readouterr().err == ""
