"""
`make deploy` in an empty account, and again, to the end: SAM is the real one, AWS is moto.

The tests of this module are one story and are told in order.
"""

import json
import re
from pathlib import Path

import pytest

from sam_template.template import Template
from simulator.server import KieSimulator
from tests.deploy.aws import Account
from tests.deploy.conftest import API_KEY, ROOT, Run

STACK = "kie-gateway"
WEBHOOK_KEY = "webhook-key-of-the-account"
README = (ROOT / "README.md").read_text()


def commands_of_the_readme() -> list[str]:
    section = README[README.index("## Deploy") :].partition("\n## ")[0]
    return re.findall(r"^\$ (make [^#\n]*?) *(?:#.*)?$", section, re.MULTILINE)


@pytest.fixture(scope="module", autouse=True)
def first(run: Run, kie: KieSimulator) -> str:
    """Deploy for the first time, as the README says; returns what was said."""
    answers = f"\nops@example.com\n{API_KEY}\n{WEBHOOK_KEY}\n"
    done = run(commands_of_the_readme()[0], answers=answers, SET=f"KieBaseUrl={kie.base_url}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_one_command_makes_a_gateway_of_an_empty_account(account: Account, first: str) -> None:
    """It could not be finished before: hidden parameters were asked for without an end."""
    [stack] = account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com" in first
    assert "has no authentication" not in first.partition("Initiating deployment")[0]
    assert account.kie_keys() == {
        "api_key": API_KEY,
        "webhook_hmac_key": WEBHOOK_KEY,
        "history_token": "",
        "history_unique_id": "",
    }
    asked = account.cloudformation.deployed[STACK]
    assert asked.values["AlarmEmail"] == "ops@example.com"
    assert asked.values["KieSecret"].startswith("arn:aws:secretsmanager:eu-central-1:")
    # What is not sent keeps its last value, so new versions' defaults would not arrive.
    assert asked.given == Template().parameters.keys()


def test_secrets_are_in_secrets_manager_and_nowhere_else(
    account: Account, first: str, folder: Path
) -> None:
    """Not in CloudFormation, S3, the file, or on the screen."""
    for secret in (API_KEY, WEBHOOK_KEY):
        assert not [body for body in account.bodies if secret.encode() in body]
        assert secret not in (folder / "deploy.toml").read_text()
        assert secret not in first


def test_the_records_cannot_be_deleted_by_mistake(account: Account) -> None:
    """The table is protected once the stack stands."""
    table = account.client("dynamodb").describe_table(TableName=_output(account, "TableName"))
    assert table["Table"]["DeletionProtectionEnabled"] is True


def test_what_the_readme_says_next_works(run: Run) -> None:
    """Without naming stack or region again."""
    deploy, *then = commands_of_the_readme()
    assert deploy == "make deploy"
    assert "make key OWNER=alice" in then
    for command in then:
        done = run(command, AWS_REGION="")
        assert done.returncode == 0, done.stdout + done.stderr
    assert "  alice  valid  " in run("make key ARGS=--list", AWS_REGION="").stdout


def test_the_second_time_asks_nothing_and_keeps_a_rotated_key(account: Account, run: Run) -> None:
    """Even with the old key in the environment, where CI systems keep it."""
    rotated = json.dumps({"api_key": "rotated", "webhook_hmac_key": "rotated, too"})
    account.client("secretsmanager").put_secret_value(SecretId=f"{STACK}/kie", SecretString=rotated)
    done = run("make deploy", KIE_API_KEY=API_KEY, AWS_REGION="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No changes to deploy" in done.stdout
    assert "Enter" not in done.stdout
    assert account.kie_keys() == json.loads(rotated)


def test_a_setting_is_changed_and_remembered(account: Account, run: Run, folder: Path) -> None:
    """And the ones from before stay as they were."""
    done = run("make deploy SET='DeadlineSeconds=7200 AllowedOrigins=https://a.example.com'")
    assert done.returncode == 0, done.stdout + done.stderr
    values = account.cloudformation.deployed[STACK].values
    assert values["DeadlineSeconds"] == "7200"
    assert values["AllowedOrigins"] == "https://a.example.com"
    assert values["AlarmEmail"] == "ops@example.com"
    assert 'DeadlineSeconds = "7200"' in (folder / "deploy.toml").read_text()


def test_taken_down_only_by_its_name_and_what_was_paid_for_stays(
    account: Account, run: Run
) -> None:
    """With the commands for whoever wants that gone, too."""
    table, bucket = _output(account, "TableName"), _output(account, "BucketName")
    done = run("make destroy", answers="yes\n")
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "nothing was removed")
    assert _output(account, "TableName") == table
    done = run("make destroy", answers=f"{STACK}\n")
    assert done.returncode == 0, done.stdout + done.stderr
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    assert STACK not in [stack["StackName"] for stack in stacks]
    assert account.client("dynamodb").list_tables()["TableNames"] == [table]
    account.client("s3").head_bucket(Bucket=bucket)
    assert account.kie_keys()["api_key"] == "rotated"
    for command in ("delete-table --table-name " + table, "s3 rb s3://" + bucket, "delete-secret"):
        assert command in done.stdout


def _output(account: Account, name: str) -> str:
    [stack] = account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    found = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    return str(found[name])
