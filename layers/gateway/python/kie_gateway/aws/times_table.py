"""Times of models, counted in the table: one item for each model and month, gone after a year."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import translated
from kie_gateway.aws.table_keys import TIMES, model_partition, model_times_key
from kie_gateway.core.polling.model_times import BUCKETS, Observed, bucket_of, observe
from kie_gateway.core.short_memory import ShortMemory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MEMORY_SECONDS = 300.0
# Models get faster and slower: what is older than this tells nothing of today.
_MONTHS_READ = 3
_KEPT = timedelta(days=365)


class TimesTable:
    """
    Times, as flows need them (`core/ports/watching.py`, ModelTimes).

    Attributes:
        memory: Of what was read.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._table = table_name
        self.memory = ShortMemory[str, Observed | None](_MEMORY_SECONDS, clock)

    def add(self, model: str, seconds: float, now: datetime) -> None:
        """
        Count a finished task.

        Raises:
            BackendUnavailableError: It was not counted.
        """
        with translated():
            self._client.update_item(
                TableName=self._table,
                Key=model_times_key(model, now),
                UpdateExpression="ADD #bucket :one SET #ttl = :ttl",
                ExpressionAttributeNames={
                    "#bucket": f"b{bucket_of(seconds):02}",
                    "#ttl": "ttl",
                },
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":ttl": {"N": str(int((now + _KEPT).timestamp()))},
                },
            )

    def observed(self, model: str) -> Observed | None:
        """
        Read the times of the last months, remembered for five minutes; None while too few.

        Raises:
            BackendUnavailableError: They could not be read.
        """
        if (remembered := self.memory.get(model)) is not None:
            return remembered.value
        with translated():
            items = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :times)",
                ExpressionAttributeValues={
                    ":pk": {"S": model_partition(model)},
                    ":times": {"S": TIMES},
                },
                ScanIndexForward=False,
                Limit=_MONTHS_READ,
            )["Items"]
        counts: Counter[int] = Counter()
        for item in items:
            for bucket in range(BUCKETS):
                counts[bucket] += int(item.get(f"b{bucket:02}", {}).get("N", "0"))
        return self.memory.keep(model, observe(+counts))
