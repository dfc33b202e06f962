"""Turns in the submit queue, counted in an item of each owner."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import translated
from kie_gateway.aws.table_keys import submit_turns_key
from kie_gateway.core.errors.backend_errors import BackendUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_MAX_TRIES = 10
# Turns of a queue that has ended are of no use; DynamoDB clears them away.
_KEPT = timedelta(days=2)


class SubmitTurns:
    """
    Counts of turns by owner.

    Raises:
        BackendUnavailableError: DynamoDB did not answer.
    """

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table = table_name

    def take(self, owner: str, *, begun: str, passed: int, now: datetime) -> int:
        """
        Take an owner's next turn.

        Args:
            begun: Tells this queue from earlier ones, whose turns do not count.
            passed: The turn that was let through last; who was away begins with the next.
        """
        for _ in range(_MAX_TRIES):
            turn = self._count(owner, begun, passed) or self._begin(owner, begun, passed, now)
            if turn is not None:
                return turn
            # Another request of the same owner was faster.
        raise BackendUnavailableError(f"no turn for {owner} was to be had")

    def _count(self, owner: str, begun: str, passed: int) -> int | None:
        with translated():
            try:
                item = self._client.update_item(
                    TableName=self._table,
                    Key=submit_turns_key(owner),
                    UpdateExpression="ADD turn :one",
                    ConditionExpression="begun = :begun AND turn >= :passed",
                    ExpressionAttributeValues={**_premise(begun, passed), ":one": {"N": "1"}},
                    ReturnValues="UPDATED_NEW",
                )["Attributes"]
            except self._client.exceptions.ConditionalCheckFailedException:
                return None
        return int(item["turn"]["N"])

    def _begin(self, owner: str, begun: str, passed: int, now: datetime) -> int | None:
        item: dict[str, AttributeValueTypeDef] = {
            **submit_turns_key(owner),
            "begun": {"N": begun},
            "turn": {"N": str(passed + 1)},
            "ttl": {"N": str(int((now + _KEPT).timestamp()))},
        }
        with translated():
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression=(
                        "attribute_not_exists(pk) OR begun <> :begun OR turn < :passed"
                    ),
                    ExpressionAttributeValues=_premise(begun, passed),
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return None
        return passed + 1


def _premise(begun: str, passed: int) -> "dict[str, AttributeValueTypeDef]":
    return {":begun": {"N": begun}, ":passed": {"N": str(passed)}}
