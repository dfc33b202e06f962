"""
Deploy the gateway: `make deploy`, the first time and every time.

Asks for what it needs the first time, and for nothing after that. The environment can answer
everything: STACK, AWS_REGION, KIE_API_KEY, KIE_WEBHOOK_HMAC_KEY, ALARM_EMAIL; other settings go
into SET="Name=Value ...". All settings are saved in deploy.toml.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from sam_template import parameters
from sam_template.parameters import ParameterError
from sam_template.template import Template
from scripts import deployments
from scripts.ask import ask
from scripts.deployments import Deployment
from scripts.kie_keys import ENVIRONMENT
from scripts.kie_secret import KieSecret, ask_for_keys
from scripts.stack import StackError, describe, parameters_of, run, stack_outputs

ROOT = Path(__file__).resolve().parents[1]
SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
_USUAL_REGION = "us-east-1"
# Only the first creation has failed, and all that it had made is gone again.
_FAILED_AT_ONCE = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}


def main() -> int:
    """Deploy."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__.strip())
    parser.parse_args()
    return roll_out(choose())


def choose() -> Deployment:
    """Find out what is to be deployed where; asks only where nobody has said it before."""
    stack = deployments.usual_stack() or deployments.check_name(
        ask("name of the stack", deployments.USUAL_STACK)
    )
    known = deployments.find(stack)
    region = _region(known)
    os.environ["AWS_DEFAULT_REGION"] = region
    account = boto3.client("sts").get_caller_identity()["Account"]
    if known is not None and (known.region, known.account) != (region, account):
        raise StackError(
            f"{deployments.file().name}: {stack} is in account {known.account}, region"
            f" {known.region}, but the environment names {account}, {region}: change one of"
            " the two, or name another stack with STACK="
        )
    print(f"account {account}, region {region}, stack {stack}")
    deployed = _deployed(stack)
    if known is None:
        profile = os.environ.get("AWS_PROFILE", "")
        found = _taken_over(deployed) if deployed else {}
        known = Deployment(stack, region, account, profile, found)
        if deployed is None and "ALARM_EMAIL" not in os.environ:
            mail = ask("email address for alarms, Enter for none")
            known = _with(known, {"AlarmEmail": mail})
    chosen = _with(known, _from_environment())
    values = values_of(chosen)
    secret = _secret(stack, values, deployed)
    chosen = _with(chosen, {parameters.KIE_SECRET: secret})
    deployments.keep(chosen)
    return chosen


def roll_out(deployment: Deployment) -> int:
    """Let SAM deploy it, then say how to go on; returns the exit code."""
    code = _sam_deploy(deployment)
    if code:
        print(
            "Not deployed; the lines above say why. `make deploy` asks nothing twice.",
            file=sys.stderr,
        )
        return code
    outputs = stack_outputs(deployment.stack)
    _protect(outputs["TableName"])
    print(
        f"\nThe gateway answers at {outputs['ApiUrl']} (its page: {outputs['ApiUrl']}/docs).\n"
        f"Next: make key OWNER=alice     a key for callers, shown once\n"
        f"      make webhooks            whether Kie.ai's webhooks arrive\n"
        f"Settings are in {deployments.file().name}; `make deploy` again brings changes of them,"
        " and new versions."
    )
    return 0


def _region(known: Deployment | None) -> str:
    found = os.environ.get("AWS_DEFAULT_REGION") or (known.region if known else "")
    configured = boto3.session.Session().region_name
    return found or ask("AWS region", configured or _USUAL_REGION)


def _deployed(stack: str) -> Mapping[str, str] | None:
    """Read what a stack was deployed with; None if there is none, or only a failed attempt."""
    found = describe(stack)
    # The second is a name with a change set and nothing else; SAM goes on from there.
    if found is None or found["StackStatus"] == "REVIEW_IN_PROGRESS":
        return None
    status = found["StackStatus"]
    if status in _FAILED_AT_ONCE:
        print(f"The stack {stack} was never completed ({status}); removing it first.")
        cloudformation = boto3.client("cloudformation")
        cloudformation.delete_stack(StackName=stack)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=found["StackId"])
        return None
    if status.endswith("_IN_PROGRESS"):
        raise StackError(
            f"another deployment is running: the stack {stack} is {status}; try again later"
        )
    return parameters_of(found)


def _taken_over(deployed: Mapping[str, str]) -> dict[str, str]:
    """Keep what another machine has set, where this one knows nothing of the stack."""
    defaults = {name: one.get("Default") for name, one in Template().parameters.items()}
    found = {
        name: value
        for name, value in deployed.items()
        if name in defaults and value != str(defaults[name])
    }
    print(f"Settings read from the stack: {', '.join(sorted(found)) or 'nothing but defaults'}.")
    return found


def _from_environment() -> dict[str, str]:
    try:
        given = parameters.parse_overrides(os.environ.get("SET", ""))
    except ParameterError as error:
        raise StackError(f"SET {error}") from error
    if "ALARM_EMAIL" in os.environ:
        given["AlarmEmail"] = os.environ["ALARM_EMAIL"]
    return given


def _with(deployment: Deployment, given: Mapping[str, str]) -> Deployment:
    """Add settings; those that say what the template says anyway are left out."""
    declared = Template().parameters
    merged = {**deployment.parameters, **given}
    return replace(
        deployment,
        parameters={
            name: value
            for name, value in merged.items()
            if value != str(declared.get(name, {}).get("Default"))
        },
    )


def values_of(deployment: Deployment) -> dict[str, str]:
    """
    Return a value for every parameter.

    SAM would keep the last one of each that it is not given, so a better default of a new version
    would never arrive.
    """
    try:
        return parameters.resolve_all(Template(), deployment.parameters)
    except ParameterError as error:
        raise StackError(f"settings (SET=, {deployments.file().name}): {error}") from error


def _secret(stack: str, values: Mapping[str, str], deployed: Mapping[str, str] | None) -> str:
    """Find the secret with Kie.ai's keys, or make it; one that has keys is never changed here."""
    stands_in = parameters.stand_in(Template().parameters)[parameters.KIE_SECRET]
    named = values[parameters.KIE_SECRET]
    if named == stands_in:
        named = (deployed or {}).get(parameters.KIE_SECRET, "")
    secret = KieSecret(named or KieSecret.usual_name(stack))
    arn = secret.arn()
    if arn is None and named:
        # Deleted for good since then.
        secret = KieSecret(KieSecret.usual_name(stack))
        arn = secret.arn()
    known = secret.read() if arn else {}
    if arn and known.get("api_key"):
        print("Kie.ai's keys stay as they are (`make kie-keys` changes them).")
        return arn
    return secret.write(ask_for_keys(values["KieBaseUrl"], known))


def _sam_deploy(deployment: Deployment) -> int:
    """
    Run `sam deploy`, which asks nothing.

    Only `--guided` asks, for parameters and whether routes without authentication are all right
    (samcli/commands/deploy/guided_context.py); the plain one tells of such routes and goes on.
    """
    template = os.environ.get("TEMPLATE") or str(BUILT)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as overrides:
        # JSON is YAML; in a file, no value has to get past a shell's or SAM's quotes.
        json.dump(values_of(deployment), overrides)
        overrides.flush()
        command = [
            *(str(SAM), "deploy", "--template-file", template),
            *("--stack-name", deployment.stack, "--region", deployment.region),
            *("--resolve-s3", "--s3-prefix", deployment.stack),
            *("--capabilities", "CAPABILITY_IAM"),
            *("--no-confirm-changeset", "--no-fail-on-empty-changeset"),
            *("--tags", "Application=kie-gateway"),
            *("--parameter-overrides", f"file://{overrides.name}"),
        ]
        secret = {*ENVIRONMENT.values(), "SET"}
        environment = {k: v for k, v in os.environ.items() if k not in secret}
        environment |= {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": deployment.region}
        sys.stdout.flush()
        done = subprocess.run(  # noqa: S603 - our own words, and a stack's name that was checked
            command, env=environment, stdin=subprocess.DEVNULL, cwd=ROOT, check=False
        )
    return done.returncode


def _protect(table: str) -> None:
    """Protect the table against deletion, which the template cannot say (see there)."""
    dynamodb = boto3.client("dynamodb")
    try:
        if not dynamodb.describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled"):
            dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    except ClientError as error:
        print(f"The table could not be protected against deletion: {error}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
