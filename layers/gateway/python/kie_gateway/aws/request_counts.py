"""Requests counted in the table: one item for each caller and minute, gone soon after."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import translated
from kie_gateway.aws.table_keys import request_count_key
from kie_gateway.core.callers.allowance import Allowance, window_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(minutes=10)


class RequestCounts:
    """Counts of requests by whoever sends them."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table = table_name

    def count(self, sender: str, limit: int, now: datetime) -> Allowance:
        """Count a request. Raises BackendUnavailableError."""
        window, reset_seconds = window_of(now)
        with translated():
            answer = self._client.update_item(
                TableName=self._table,
                Key=request_count_key(sender, window),
                UpdateExpression="ADD requests :one SET #ttl = :ttl",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":ttl": {"N": str(int((now + _KEPT).timestamp()))},
                },
                ReturnValues="UPDATED_NEW",
            )
        return Allowance(limit, int(answer["Attributes"]["requests"]["N"]), reset_seconds)
