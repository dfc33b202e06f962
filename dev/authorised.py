"""
Which actions on which resources a call needs.

The tables of https://docs.aws.amazon.com/service-authorization/latest/reference/ (DynamoDB, SQS,
Step Functions, Secrets Manager, Lambda, EventBridge), and for transactions
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

type Need = tuple[str, str]

_TRANSACTED = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}


def needs(service: str, action: str, body: Mapping[str, Any], place: str) -> list[Need]:
    """
    List what a call of a JSON service must be allowed to do.

    Args:
        service: As in `X-Amz-Target`, without a version.
        action: Such as `UpdateItem`.
        body: Its parameters.
        place: Region and account, such as `us-east-1:123456789012`.

    """
    if service == "DynamoDB":
        return list(_dynamodb(action, body, place))
    if service == "AmazonSQS":
        name = str(body.get("QueueUrl", "*")).rpartition("/")[2]
        return [(f"sqs:{action.removesuffix('Batch')}", f"arn:aws:sqs:{place}:{name}")]
    if service == "AWSStepFunctions":
        arn = body.get("executionArn") or body.get("stateMachineArn") or "*"
        return [(f"states:{action}", arn)]
    if service == "secretsmanager":
        secret = str(body.get("SecretId", "*"))
        arn = f"arn:aws:secretsmanager:{place}:secret:{secret}-000000"
        return [(f"secretsmanager:{action}", secret if secret.startswith("arn:") else arn)]
    if service == "AWSEvents" and action == "PutEvents":
        return list(_put_events(body, place))
    return [(f"{service.lower()}:{action}", "*")]


def _put_events(body: Mapping[str, Any], place: str) -> Iterator[Need]:
    buses = [entry.get("EventBusName") or "default" for entry in body.get("Entries", [])]
    for bus in dict.fromkeys(buses):
        arn = bus if bus.startswith("arn:") else f"arn:aws:events:{place}:event-bus/{bus}"
        yield "events:PutEvents", arn


def _dynamodb(action: str, body: Mapping[str, Any], place: str) -> Iterator[Need]:
    def table(name: str) -> str:
        return name if name.startswith("arn:") else f"arn:aws:dynamodb:{place}:table/{name}"

    if action in {"TransactWriteItems", "TransactGetItems"}:
        for entry in body["TransactItems"]:
            for kind, request in entry.items():
                yield f"dynamodb:{_TRANSACTED.get(kind, kind)}", table(request["TableName"])
    elif action in {"BatchGetItem", "BatchWriteItem"}:
        for name in body["RequestItems"]:
            yield f"dynamodb:{action}", table(name)
    else:
        index = f"/index/{body['IndexName']}" if body.get("IndexName") else ""
        yield f"dynamodb:{action}", table(str(body.get("TableName", "*"))) + index
