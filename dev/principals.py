"""The roles of the stack, with the policies that the translated template gives them."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from dev.credentials import access_key_of
from dev.policies import MANAGED, PolicyError, Principal, statements_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dev.stack import Stack


def principals(stack: Stack, client: Callable[[str], Any]) -> dict[str, Principal]:
    """
    Read every role's policies, references resolved.

    moto's CloudFormation has created the roles, so it has resolved what they refer to.

    Returns:
        The roles by access key id.

    """
    iam = client("iam")
    found: dict[str, Principal] = {}
    for user, arn in stack.roles.items():
        role = arn.rpartition("/")[2]
        known = found.get(access_key_of(role))
        statements = known.statements if known else tuple(_statements(iam, stack, role))
        session = arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
        found[access_key_of(role)] = Principal(f"{session}/{user}", statements)
    return found


def bucket_policies(stack: Stack, s3: Any) -> dict[str, list[Mapping[str, Any]]]:
    """Read the buckets' own policies; every bucket is named."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for bucket in stack.physical("AWS::S3::Bucket"):
        try:
            policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError:
            found[bucket] = []
        else:
            found[bucket] = [one for one in statements_of(policy) if isinstance(one, dict)]
    return found


def _statements(iam: Any, stack: Stack, role: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        # Where a document came from a template, moto gives it as Python writes it.
        found += statements_of(
            ast.literal_eval(document) if isinstance(document, str) else document
        )
    for arn in stack.managed_policies.get(role, ()):
        name = arn.rpartition("/")[2]
        if name not in MANAGED:
            raise PolicyError(f"what the policy {arn} grants is not known on this machine")
        found.append(MANAGED[name])
    return found
