"""
What CloudFormation and Lambda refuse of a stack that moto would create.

Environment: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html. Queues:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html. Layers:
https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html. Permissions:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
and https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dev.policies import matches
from dev.references import References

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_ENVIRONMENT_BYTES = 4096
MAX_LAYERS = 5
# What the role of a function that is fed from a queue must allow, services-sqs-configure.html.
POLLER_NEEDS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")

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
    problems = [*references.unresolved(), *_functions(references), *_queues(references)]
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


def _queues(references: References) -> Iterator[str]:
    functions = references.of_type("AWS::Lambda::Function")
    queues = references.of_type("AWS::SQS::Queue")
    by_arn = {references.attribute(name, "Arn"): queue for name, queue in queues.items()}
    for name, mapping in references.of_type("AWS::Lambda::EventSourceMapping").items():
        queue = by_arn.get(mapping["EventSourceArn"])
        if queue is None:
            continue
        function = references.logical_id(mapping["FunctionName"])
        timeout = int(functions[function].get("Timeout", 3))
        hidden = int(queue.get("VisibilityTimeout", 30))
        if hidden < timeout:
            yield (
                f"{name}: the queue hides messages for {hidden} s, "
                f"less than {function}'s timeout of {timeout} s"
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
        return self.allow(function, "events.amazonaws.com", self._references.attribute(rule, "Arn"))
