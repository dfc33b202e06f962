"""How an idempotency key is claimed in the table: written once, by whoever comes first."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import translated
from kie_gateway.aws.table_keys import idempotency_key
from kie_gateway.aws.task_item import Item
from kie_gateway.core.callers.idempotency import IdempotencyKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef


def claim(
    table: str, idempotency: IdempotencyKey, now: datetime, more: Item
) -> "TransactWriteItemTypeDef":
    """Claim a key, unless it is in use; one that has run out may still lie there."""
    return {
        "Put": {
            "TableName": table,
            "Item": {
                **idempotency_key(idempotency.owner, idempotency.key_hash),
                **more,
                "fingerprint": {"S": idempotency.fingerprint},
                "ttl": {"N": str(int(idempotency.forget_at.timestamp()))},
            },
            "ConditionExpression": "attribute_not_exists(pk) OR #ttl < :now",
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": {":now": {"N": str(int(now.timestamp()))}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def is_same_request(
    item: Mapping[str, "AttributeValueTypeDef"], idempotency: IdempotencyKey
) -> bool:
    """Whether a claimed key stands for this very request."""
    return item["fingerprint"]["S"] == idempotency.fingerprint


def find_claim(
    client: "DynamoDBClient", table: str, idempotency: IdempotencyKey, now: datetime
) -> Item | None:
    """
    Find the item that a key was claimed with; None if it is free.

    Raises:
        BackendUnavailableError: DynamoDB did not answer.
    """
    with translated():
        answer = client.get_item(
            TableName=table,
            Key=idempotency_key(idempotency.owner, idempotency.key_hash),
            ConsistentRead=True,
        )
    item = answer.get("Item")
    return item if item and int(item["ttl"]["N"]) >= int(now.timestamp()) else None
