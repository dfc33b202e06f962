"""The deployed stack: where it is, what it is made of, and how commands on it end."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from kie_gateway.core.errors.base import GatewayError
from scripts import deployments
from scripts.deployments import DeploymentsError

_LOCAL = "`make dev` prints a line to paste for the gateway on this machine"


class StackError(Exception):
    """The stack is not there, or not in a state to be worked on."""


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a command; AWS's and our own trouble ends it with one line and exit code 2."""
    try:
        _choose_account()
        code = main()
    except NoRegionError:
        code = _trouble(f"no AWS region: set AWS_REGION, or deploy first ({_LOCAL})")
    except NoCredentialsError:
        code = _trouble(
            f"no AWS credentials: `aws configure`, `aws sso login`, or set AWS_PROFILE ({_LOCAL})"
        )
    except ProfileNotFound as error:
        code = _trouble(f"{error}: set AWS_PROFILE to one that exists")
    except (BotoCoreError, ClientError, GatewayError, DeploymentsError, StackError) as error:
        code = _trouble(str(error))
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def usual_stack() -> str:
    """Return the stack that is meant if none is named."""
    return deployments.usual_stack() or deployments.USUAL_STACK


def describe(stack: str) -> dict[str, Any] | None:
    """Read a stack's description; None if there is none of that name."""
    try:
        found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return dict(found[0])


def stack_outputs(stack: str) -> dict[str, str]:
    """
    Read a stack's outputs by name.

    Raises:
        StackError: There is no such stack.
    """
    found = _existing(stack).get("Outputs", [])
    return {one["OutputKey"]: one["OutputValue"] for one in found}


def stack_parameters(stack: str) -> dict[str, str]:
    """
    Read a stack's parameters by name.

    Raises:
        StackError: There is no such stack.
    """
    return parameters_of(_existing(stack))


def parameters_of(description: Mapping[str, Any]) -> dict[str, str]:
    """Read the parameters from a stack's description, by name."""
    found = description.get("Parameters", [])
    return {one["ParameterKey"]: one["ParameterValue"] for one in found}


def _existing(stack: str) -> dict[str, Any]:
    found = describe(stack)
    if found is None:
        region = boto3.session.Session().region_name
        raise StackError(
            f"no stack {stack} in {region}: `make deploy` creates it,"
            f" STACK= and AWS_REGION= name another ({_LOCAL})"
        )
    return found


def _choose_account() -> None:
    """Take region and profile of the last deployment, where the environment names no other."""
    environ = os.environ
    # The AWS CLI reads the first, boto3 only the second.
    if environ.get("AWS_REGION"):
        environ["AWS_DEFAULT_REGION"] = environ["AWS_REGION"]
    stack = deployments.usual_stack()
    known = deployments.find(stack) if stack else None
    if known is None:
        return
    if not environ.get("AWS_ACCESS_KEY_ID") and known.profile:
        environ.setdefault("AWS_PROFILE", known.profile)
    if not environ.get("AWS_DEFAULT_REGION"):
        environ["AWS_DEFAULT_REGION"] = known.region


def _trouble(words: str) -> int:
    print(words, file=sys.stderr)
    return 2
