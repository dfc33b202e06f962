"""The switch that stops new tasks; everything else goes on."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from kie_gateway.aws.errors import translated
from kie_gateway.aws.table_keys import creation_switch_key
from kie_gateway.core.short_memory import ShortMemory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MEMORY_SECONDS = 10.0
_KEY = creation_switch_key()


class CreationSwitch:
    """
    Why no tasks are created, if so; remembered for 10 s in this process.

    Raises:
        BackendUnavailableError: DynamoDB did not answer.
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
        self._memory = ShortMemory[None, str | None](MEMORY_SECONDS, clock)

    def reason(self) -> str | None:
        """Return why no tasks are created; None while they are."""
        if (remembered := self._memory.get(None)) is not None:
            return remembered.value
        with translated():
            item = self._client.get_item(TableName=self._table, Key=_KEY).get("Item")
        return self._memory.keep(None, item["reason"]["S"] if item else None)

    def stop(self, reason: str, now: datetime) -> None:
        """Stop new tasks, everywhere within 10 s."""
        with translated():
            self._client.put_item(
                TableName=self._table,
                Item={**_KEY, "reason": {"S": reason}, "since": {"S": now.isoformat()}},
            )
        self._memory.keep(None, reason)

    def resume(self) -> None:
        """Allow tasks to be created again."""
        with translated():
            self._client.delete_item(TableName=self._table, Key=_KEY)
        self._memory.keep(None, None)
