"""
IAM's decision: may this role do this action to this resource?

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: what is
denied is denied, what is allowed by one statement is allowed, all else is denied.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# What is true of every call here; plain HTTP on loopback stands for TLS.
CONTEXT: Mapping[str, str] = {"aws:SecureTransport": "true"}

# What AWS's own policies grant that SAM attaches, as far as calls of functions go;
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
MANAGED: Mapping[str, Mapping[str, Any]] = {
    "AWSLambdaBasicExecutionRole": {
        "Effect": "Allow",
        "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": "*",
    },
    "AWSLambdaSQSQueueExecutionRole": {
        "Effect": "Allow",
        "Action": [
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
        "Resource": "*",
    },
    "AWSLambdaDynamoDBExecutionRole": {
        "Effect": "Allow",
        "Action": [
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
        "Resource": "*",
    },
    "AWSXrayWriteOnlyAccess": {"Effect": "Allow", "Action": ["xray:Put*"], "Resource": "*"},
    "AWSXRayDaemonWriteAccess": {"Effect": "Allow", "Action": ["xray:Put*"], "Resource": "*"},
}


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in text), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Compare with `*` and `?`, as IAM does."""
    return _pattern(pattern).fullmatch(text) is not None


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, given: wanted == given,
    "StringNotEquals": lambda wanted, given: wanted != given,
    "StringLike": matches,
    "ArnEquals": matches,
    "ArnLike": matches,
    "Bool": lambda wanted, given: wanted.lower() == given.lower(),
}


class PolicyError(Exception):
    """A policy that says something this machine would not enforce."""


@dataclass(frozen=True)
class Principal:
    """
    A role, as it calls.

    Attributes:
        arn: The session that AWS names in refusals.
        statements: Those of all its policies.

    """

    arn: str
    statements: tuple[Mapping[str, Any], ...]

    def may(self, action: str, resource: str) -> bool:
        return allowed(self.statements, action, resource)

    def refusal(self, action: str, resource: str) -> str:
        """Return AWS's message that something is not allowed."""
        return (
            f"User: {self.arn} is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy allows the {action} action"
        )


def allowed(statements: Iterable[Mapping[str, Any]], action: str, resource: str) -> bool:
    """Decide on one action and one resource."""
    effects = {one["Effect"] for one in statements if _applies(one, action, resource)}
    return "Allow" in effects and "Deny" not in effects


def statements_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """
    Read the statements of a policy document.

    Raises:
        PolicyError: A condition is none of those that are understood here.

    """
    # moto keeps an AWS::NoValue as an empty place.
    found: list[Mapping[str, Any]] = [
        {name: _filled(value) for name, value in statement.items()}
        for statement in _listed(document["Statement"])
        if statement
    ]
    for statement in found:
        for operator in statement.get("Condition", {}):
            if operator not in _OPERATORS:
                raise PolicyError(f"the condition {operator} is not enforced on this machine")
    return found


def _applies(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    return (
        _names(statement, "Action", action.lower(), str.lower)
        and _names(statement, "Resource", resource, str)
        and all(
            key in CONTEXT
            and any(_OPERATORS[operator](str(w), CONTEXT[key]) for w in _listed(wanted))
            for operator, test in statement.get("Condition", {}).items()
            for key, wanted in test.items()
        )
    )


def _names(statement: Mapping[str, Any], what: str, text: str, fold: Callable[[str], str]) -> bool:
    if f"Not{what}" in statement:
        return not any(matches(fold(p), text) for p in _listed(statement[f"Not{what}"]))
    return any(matches(fold(p), text) for p in _listed(statement.get(what, ())))


def _filled(value: Any) -> Any:
    return [one for one in value if one is not None] if isinstance(value, list) else value


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
