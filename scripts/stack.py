"""The deployed stack: where its table, bucket and machine are, and how commands on it end."""

import sys
from collections.abc import Callable
from typing import NoReturn

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from kie_gateway.core.errors import GatewayError


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a command; AWS's and our own trouble ends it with one line and exit code 2."""
    try:
        code = main()
    except (BotoCoreError, ClientError, GatewayError) as error:
        print(error, file=sys.stderr)
        code = 2
    sys.exit(code)


def stack_outputs(stack: str) -> dict[str, str]:
    """Read a stack's outputs by name."""
    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}


def stack_parameters(stack: str) -> dict[str, str]:
    """Read a stack's parameters by name; secret ones come masked."""
    found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])}
