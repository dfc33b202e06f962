"""
Remove the gateway: `make destroy`. Records, files and keys stay; prints how to remove them.

Asks for the stack's name, typed in full; a script sets CONFIRM=name instead.
"""

import argparse
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import boto3

from sam_template.parameters import KIE_SECRET
from scripts import deployments
from scripts.ask import ask
from scripts.deploy import ROOT, SAM
from scripts.stack import StackError, run, stack_outputs, stack_parameters, usual_stack

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> int:
    """Take it down."""
    parser = argparse.ArgumentParser(prog="make destroy", description=__doc__.strip())
    parser.add_argument("--stack", default=usual_stack(), help="name of the deployed stack")
    stack = deployments.check_name(parser.parse_args().stack)
    region = boto3.session.Session().region_name
    stays = list(_what_stays(stack, region))
    print(f"{stack} in {region}: API, functions, queues, alarms and logs are removed.")
    print("Callers get no answers, webhooks are lost, and what runs at Kie.ai is charged.")
    print("Records, files and Kie.ai's keys stay: nothing that was paid for is deleted unasked.")
    if (os.environ.get("CONFIRM") or ask("Type the stack's name to continue")) != stack:
        raise StackError("nothing was removed")
    if code := _sam_delete(stack, region):
        return code
    print("\nWhat stays, and the commands that remove it for good:\n")
    print("\n".join(stays))
    return 0


def _what_stays(stack: str, region: str) -> "Iterator[str]":
    outputs, parameters = stack_outputs(stack), stack_parameters(stack)
    table, bucket = outputs["TableName"], outputs["BucketName"]
    where = f"--region {region}"
    yield "# every task, key and ledger"
    yield f"aws dynamodb update-table --table-name {table} --no-deletion-protection-enabled {where}"
    yield f"aws dynamodb delete-table --table-name {table} {where}"
    yield "# every result; the bucket can be removed once S3 has deleted what can still be restored"
    yield f"aws s3 rm s3://{bucket} --recursive {where}"
    yield f"aws s3 rb s3://{bucket} {where}    # two days later"
    yield "# Kie.ai's keys; `make deploy` uses them again as long as they exist"
    yield f"aws secretsmanager delete-secret --secret-id {parameters[KIE_SECRET]} {where}"
    if secret := parameters.get("CloudFrontKeySecretArn"):
        yield "# the key that signs links of CloudFront"
        yield f"aws secretsmanager delete-secret --secret-id {secret} {where}"


def _sam_delete(stack: str, region: str) -> int:
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": region}
    command = [str(SAM), "delete", "--no-prompts", "--stack-name", stack, "--region", region]
    sys.stdout.flush()
    done = subprocess.run(  # noqa: S603 - our own words, and a stack's name that was checked
        command, env=environment, stdin=subprocess.DEVNULL, cwd=ROOT, check=False
    )
    return done.returncode


if __name__ == "__main__":
    run(main)
