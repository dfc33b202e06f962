"""
What CloudFormation and Lambda refuse of a stack that moto would create.

Environment: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html. Layers:
https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html. Queues and streams:
source_rules.py. Permissions:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
and https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev import event_patterns, source_rules
from dev.policies import matches
from dev.references import References

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_ENVIRONMENT_BYTES = 4096
MAX_LAYERS = 5
EVENTS = "events.amazonaws.com"

type Document = dict[str, Any]


class StackError(Exception):
    """A stack that AWS would not create, or whose parts would not work together."""


def check(document: Document, values: Mapping[str, str]) -> None:
    """
    Refuse a translated template.

    Raises:
        StackError: Every reason, one a line.

    """
    references = References(document, values)
    problems = [
        *references.unresolved(),
        *_functions(references),
        *source_rules.problems(references),
        *_rules(references, Permissions(document, values)),
    ]
    if problems:
        raise StackError("\n".join(problems))


def _functions(references: References) -> Iterator[str]:
    for name, properties in references.of_type("AWS::Lambda::Function").items():
        variables = properties.get("Environment", {}).get("Variables", {})
        size = sum(len(key) + len(str(value).encode()) for key, value in variables.items())
        if size > MAX_ENVIRONMENT_BYTES:
            yield f"{name}: the environment takes {size} bytes, Lambda gives it 4 KB"
        layers = properties.get("Layers", [])
        if len(layers) > MAX_LAYERS:
            yield f"{name}: {len(layers)} layers, a function may have {MAX_LAYERS}"
        for layer in layers:
            if ":layer:" not in str(layer):
                yield f"{name}: {layer} is no version of a layer"


def _rules(references: References, permissions: Permissions) -> Iterator[str]:
    """Look at the rules of event buses; schedules are done elsewhere."""
    functions = _by_arn(references, "AWS::Lambda::Function")
    queues = _by_arn(references, "AWS::SQS::Queue")
    for name, rule in references.of_type("AWS::Events::Rule").items():
        if "EventPattern" not in rule:
            continue
        try:
            event_patterns.check(rule["EventPattern"])
        except event_patterns.PatternError as exc:
            yield f"{name}: {exc}"
        arn = references.attribute(name, "Arn")
        for target in rule.get("Targets", []):
            changing = {"Input", "InputPath", "InputTransformer"} & target.keys()
            if changing:
                yield f"{name}: {changing.pop()} is not understood on this machine"
            function, queue = functions.get(target["Arn"]), queues.get(target["Arn"])
            if function and not permissions.allow(function, EVENTS, arn):
                yield f"{name}: may not invoke {function}"
            if queue and not _may_send(references, queue):
                yield f"{name}: no AWS::SQS::QueuePolicy lets {EVENTS} send to {queue}"


def _by_arn(references: References, kind: str) -> dict[str, str]:
    return {references.attribute(name, "Arn"): name for name in references.of_type(kind)}


def _may_send(references: References, queue: str) -> bool:
    return any(
        statement["Effect"] == "Allow"
        and statement.get("Principal", {}).get("Service") == EVENTS
        and "sqs:sendmessage" in str(statement.get("Action")).lower()
        for policy in references.of_type("AWS::SQS::QueuePolicy").values()
        if queue in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
    )


class Permissions:
    """Who may invoke which function, by the permissions of the translated template."""

    def __init__(self, document: Document, values: Mapping[str, str]) -> None:
        references = References(document, values)
        self._granted = [
            (
                references.logical_id(properties["FunctionName"]),
                properties["Principal"],
                properties.get("SourceArn", "*"),
            )
            for properties in references.of_type("AWS::Lambda::Permission").values()
        ]
        self._references = references

    def allow(self, function: str, service: str, source: str) -> bool:
        """Return whether a service may invoke a function on behalf of a resource."""
        return any(
            granted == function and principal == service and matches(pattern, source)
            for granted, principal, pattern in self._granted
        )

    def api_allows(self, function: str, method: str, path: str) -> bool:
        """Return whether the HTTP API may invoke a function for a route of the template."""
        [api] = self._references.of_type("AWS::ApiGatewayV2::Api")
        source = self._references.execute_api_arn(api, method, path)
        return self.allow(function, "apigateway.amazonaws.com", source)

    def event_api_allows(self, api: str, function: str) -> bool:
        """Return whether an Event API of AppSync may ask a function who may follow what."""
        source = self._references.attribute(api, "ApiArn")
        return self.allow(function, "appsync.amazonaws.com", source)

    def schedule_allows(self, function: str, event: str) -> bool:
        """Return whether a schedule may invoke its function."""
        rule = f"{function}{event}"
        if not self._references.is_created(rule):
            return False
        return self.allow(function, EVENTS, self._references.attribute(rule, "Arn"))
