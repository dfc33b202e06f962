"""What `make deploy` asks, takes and refuses, up to the point where SAM takes over."""

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from scripts import cloudfront_key, deploy, deployments, kie_secret
from scripts.deploy import choose
from scripts.deployments import Deployment, DeploymentsError
from scripts.stack import StackError
from simulator.server import KieSimulator
from tests.deploy.aws import REGION, Account
from tests.deploy.conftest import API_KEY, ROOT

type Choose = Callable[..., Deployment]


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> str:
    """Each test has a stack of its own name in the one account."""
    return "s" + "".join(c for c in request.node.name if c.isalnum())[-60:]


@pytest.fixture(autouse=True)
def machine(
    account: Account, kie: KieSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine on which nothing was deployed before."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "KIE_")) or name in {"STACK", "SET", "ALARM_EMAIL"}:
            monkeypatch.delenv(name)
    for name, value in account.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("DEPLOY_FILE", str(tmp_path / "deploy.toml"))
    monkeypatch.setenv("SET", f"KieBaseUrl={kie.base_url}")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture
def choosing(
    stack: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Choose:
    """Answer questions, one line each; the input ends after the last."""

    def choosing(*answers: str, **environ: str) -> Deployment:
        for name, value in {"STACK": stack, **environ}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{one}\n" for one in answers)))
        return choose()

    return choosing


def secrets_of(account: Account, stack: str) -> list[str]:
    found = account.client("secretsmanager").list_secrets()["SecretList"]
    return [one["Name"] for one in found if one["Name"].startswith(stack)]


# --- answers --------------------------------------------------------------------------------------


def test_enter_is_a_way_on(account: Account, choosing: Choose, stack: str) -> None:
    """Everywhere but at the one thing that nobody else knows."""
    chosen = choosing("", API_KEY, "")
    assert chosen.region == REGION
    assert "AlarmEmail" not in chosen.parameters
    assert account.kie_keys(f"{stack}/kie")["webhook_hmac_key"] == ""


def test_the_environment_answers_everything(
    account: Account, choosing: Choose, stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in CI, where nobody is there."""
    chosen = choosing(
        KIE_API_KEY=API_KEY, KIE_WEBHOOK_HMAC_KEY="signed", ALARM_EMAIL="ops@example.com"
    )
    assert chosen.parameters["AlarmEmail"] == "ops@example.com"
    assert account.kie_keys(f"{stack}/kie")["webhook_hmac_key"] == "signed"
    assert "Enter" not in capsys.readouterr().out


def test_a_second_machine_takes_over_what_was_set(
    account: Account, choosing: Choose, stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fresh clone would otherwise put every setting back, and ask for keys that are there."""
    first = choosing("ops@example.com", API_KEY, "")
    declared = [
        {"ParameterKey": name, "ParameterValue": "x"} for name in ("AlarmEmail", "KieSecret")
    ]
    declared[0]["ParameterValue"] = "ops@example.com"
    declared[1]["ParameterValue"] = first.parameters["KieSecret"]
    account.client("cloudformation").create_stack(
        StackName=stack,
        TemplateBody=json.dumps(
            {
                "Parameters": {"AlarmEmail": {"Type": "String"}, "KieSecret": {"Type": "String"}},
                "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
            }
        ),
        Parameters=declared,
    )
    deployments.file().unlink()
    again = choosing(SET="")
    assert again.parameters == {
        "AlarmEmail": "ops@example.com",
        "KieSecret": first.parameters["KieSecret"],
    }
    assert "AlarmEmail, KieSecret" in capsys.readouterr().out


def test_hidden_answers_do_not_show() -> None:
    """On a terminal, where others look on."""
    program = "from scripts.ask import ask_hidden; print(len(ask_hidden('key')))"
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        start_new_session=True,
    ) as process:
        shown = b""
        while b"key: " not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, b"a-secret\n")
        process.wait(20)
    shown += os.read(ours, 1000)
    os.close(ours)
    os.close(theirs)
    assert b"a-secret" not in shown
    assert shown.split()[-1] == b"8"


# --- keys that are none ---------------------------------------------------------------------------


def test_a_wrong_api_key_is_noticed_before_anything_is_made(
    account: Account, choosing: Choose, stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It used to be noticed with the first task."""
    with pytest.raises(StackError, match="nothing was changed"):
        choosing("", "wrong-1", "wrong-2", "wrong-3")
    assert capsys.readouterr().err.count("Kie.ai refuses this API key") == 3
    assert not secrets_of(account, stack)
    assert not deployments.file().exists()


def test_after_a_slip_the_right_key_is_taken(
    account: Account, choosing: Choose, stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the slip is not repeated on the screen."""
    choosing("", 'a"mistake', "", API_KEY, "")
    said = capsys.readouterr()
    assert account.kie_keys(f"{stack}/kie")["api_key"] == API_KEY
    assert "mistake" not in said.out + said.err
    assert API_KEY not in said.out + said.err


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"KIE_API_KEY": "wrong"}, "Kie.ai refuses this API key"),
        ({"KIE_API_KEY": "two words"}, "KIE_API_KEY must be one line"),
        ({"KIE_API_KEY": API_KEY, "KIE_WEBHOOK_HMAC_KEY": "a\nb"}, "KIE_WEBHOOK_HMAC_KEY must be"),
        ({}, "KIE_API_KEY is not set, and there is no terminal to ask on"),
        ({"KIE_API_KEY": API_KEY, "SET": "KieBaseUrl=http://127.0.0.1:9"}, "SKIP_KIE_CHECK=1"),
        (
            {"KIE_API_KEY": API_KEY, "SET": "DeadlineSeconds=1"},
            "DeadlineSeconds=1 must be at least",
        ),
        ({"KIE_API_KEY": API_KEY, "SET": "Deadline=1"}, "unknown parameter Deadline"),
        ({"KIE_API_KEY": API_KEY, "SET": "nonsense"}, "SET 'nonsense' is not of the form"),
        ({"KIE_API_KEY": API_KEY, "SET": "CloudFrontSigningKey=A"}, "needs CloudFrontKeySecretArn"),
    ],
)
def test_what_cannot_work_is_named_and_nothing_is_made(
    account: Account, choosing: Choose, stack: str, environ: dict[str, str], words: str
) -> None:
    """In one line."""
    with pytest.raises(StackError, match=words) as refused:
        choosing(**environ)
    assert "\n" not in str(refused.value)
    assert not secrets_of(account, stack)


def test_without_a_way_to_kie_the_check_is_left_out(
    account: Account, choosing: Choose, stack: str
) -> None:
    """By request."""
    closed = "KieBaseUrl=http://127.0.0.1:9"
    choosing(KIE_API_KEY="untried", SET=closed, SKIP_KIE_CHECK="1")
    assert account.kie_keys(f"{stack}/kie")["api_key"] == "untried"


# --- what was there before ------------------------------------------------------------------------


def test_a_secret_that_waits_to_be_deleted_is_taken_back(
    account: Account, choosing: Choose, stack: str
) -> None:
    """Its name stays taken for a week and more; one that is gone is made anew."""
    choosing("", API_KEY, "old")
    client = account.client("secretsmanager")
    client.delete_secret(SecretId=f"{stack}/kie")
    choosing(API_KEY, "new")
    assert account.kie_keys(f"{stack}/kie")["webhook_hmac_key"] == "new"
    client.delete_secret(SecretId=f"{stack}/kie", ForceDeleteWithoutRecovery=True)
    chosen = choosing(API_KEY, "newest")
    assert account.kie_keys(chosen.parameters["KieSecret"])["webhook_hmac_key"] == "newest"
    assert secrets_of(account, stack) == [f"{stack}/kie"]


def test_a_first_attempt_that_failed_is_cleared_away(
    account: Account, choosing: Choose, stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CloudFormation takes no update of it."""
    template = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
    account.client("cloudformation").create_stack(StackName=stack, TemplateBody=template)
    failed = {"StackStatus": "ROLLBACK_COMPLETE", "StackId": stack}
    monkeypatch.setattr(deploy, "describe", lambda _: failed)
    choosing("", API_KEY, "")
    left = account.client("cloudformation").describe_stacks()["Stacks"]
    assert stack not in [one["StackName"] for one in left]


def test_another_region_by_mistake_makes_no_second_gateway(choosing: Choose) -> None:
    """A variable that was exported for something else used to be enough."""
    choosing("", API_KEY, "")
    with pytest.raises(StackError, match=f"region {REGION}, but the environment names .*us-west"):
        choosing(AWS_DEFAULT_REGION="us-west-2")


def test_several_stacks_are_remembered(choosing: Choose) -> None:
    """The first one is meant if none is named."""
    choosing("", API_KEY, "", STACK="first")
    choosing("b@example.com", API_KEY, "", STACK="second")
    os.environ.pop("STACK")
    assert deployments.usual_stack() == "first"
    second = deployments.find("second")
    assert second is not None
    assert second.parameters["AlarmEmail"] == "b@example.com"


def test_a_name_that_cloudformation_would_refuse_is_refused(choosing: Choose) -> None:
    """Before it gets into a command or a file."""
    with pytest.raises(DeploymentsError, match="letters, digits and hyphens"):
        choosing(STACK="my_stack; rm")


def test_one_key_is_changed_and_the_other_stays(
    account: Account, kie: KieSimulator, choosing: Choose, stack: str, monkeypatch: Any
) -> None:
    """Enter keeps a key, a hyphen takes it away."""
    choosing("", API_KEY, "first")
    secret = kie_secret.KieSecret(f"{stack}/kie")
    for answers, expected in ((("", "second"), "second"), (("", ""), "second"), (("", "-"), "")):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{one}\n" for one in answers)))
        secret.replace(kie_secret.ask_for_keys(kie.base_url, secret.read()))
        kept = account.kie_keys(f"{stack}/kie")
        assert (kept["api_key"], kept["webhook_hmac_key"]) == (API_KEY, expected)


# --- CloudFront -----------------------------------------------------------------------------------


def test_cloudfronts_keys_take_turns(
    account: Account, choosing: Choose, stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key is never changed in its place, and the last one's links stay good."""
    choosing("", API_KEY, "")
    rolled_out: list[dict[str, str]] = []

    def roll_out(deployment: Deployment) -> int:
        values = deploy.values_of(deployment)
        names = ("CloudFrontKeyA", "CloudFrontKeyB", "CloudFrontSigningKey")
        rolled_out.append({name.removeprefix("CloudFront"): values[name] for name in names})
        return 0

    monkeypatch.setattr(cloudfront_key, "roll_out", roll_out)
    monkeypatch.setattr("sys.argv", ["cloudfront_key"])
    for _ in range(3):
        assert cloudfront_key.main() == 0
    first, second, between, third = rolled_out
    assert first["SigningKey"] == "A"
    assert not first["KeyB"]
    assert second == {"KeyA": first["KeyA"], "KeyB": second["KeyB"], "SigningKey": "B"}
    assert between == {**second, "KeyA": ""}
    assert third == {**second, "KeyA": third["KeyA"], "SigningKey": "A"}
    assert third["KeyA"] not in {"", first["KeyA"]}
    assert len(secrets_of(account, f"{stack}/cloudfront-")) == 3


def test_cloudfront_gets_the_public_half_of_the_secret(
    account: Account, choosing: Choose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the words that the template makes a PEM file of."""
    choosing("", API_KEY, "")
    monkeypatch.setattr(cloudfront_key, "roll_out", lambda _: 0)
    monkeypatch.setattr("sys.argv", ["cloudfront_key"])
    assert cloudfront_key.main() == 0
    kept = deployments.find(os.environ["STACK"])
    assert kept is not None
    secret = account.client("secretsmanager").get_secret_value(
        SecretId=kept.parameters["CloudFrontKeySecretArn"]
    )
    private = load_pem_private_key(secret["SecretString"].encode(), None)
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    # EncodedKey: the lines joined, and a last line's end.
    assert "\n".join(kept.parameters["CloudFrontKeyA"].split(",")) + "\n" == pem.decode()


@pytest.mark.parametrize("text", ["", "-----BEGIN NONSENSE-----\nAAAA\n-----END NONSENSE-----\n"])
def test_a_file_without_a_key_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Before anything is deployed."""
    path = tmp_path / "key.pem"
    path.write_text(text)
    monkeypatch.setattr("sys.argv", ["cloudfront_key", "--file", str(path)])
    with pytest.raises(StackError, match=r"key\.pem contains no private key"):
        cloudfront_key.main()
