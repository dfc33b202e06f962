"""
Records of the table's stream, as Lambda hands them over.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html#events-sample-dynamodb
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kie_gateway.aws.account_item import is_entry, read_account
from kie_gateway.aws.batch_item import read_batch
from kie_gateway.aws.endpoint_table import read_endpoint
from kie_gateway.aws.event_attributes import read_event
from kie_gateway.aws.table_keys import ACCOUNTS, BATCHES, ENDPOINTS, TASK
from kie_gateway.aws.task_item import read_task
from kie_gateway.core.events.change import (
    AccountChange,
    BatchChange,
    Change,
    EndpointChange,
    TaskChange,
)


def read_change(record: Mapping[str, Any]) -> Change | None:
    """Read what a record of the stream tells; None if that is nothing to anybody."""
    change = record["dynamodb"]
    new, old = change.get("NewImage"), change.get("OldImage")
    if new is None:
        return None
    partition, sort = new["pk"]["S"], new["sk"]["S"]
    # In whole seconds; the same each time the record comes.
    at = datetime.fromtimestamp(float(change["ApproximateCreationDateTime"]), UTC)
    told = read_event(new)
    if sort == TASK and told is not None:
        return TaskChange(*told, read_task(new))
    if partition.startswith(ENDPOINTS) and told is not None:
        return EndpointChange(*told, read_endpoint(new))
    if partition.startswith(BATCHES):
        return BatchChange(at, read_batch(old) if old is not None else None, read_batch(new))
    if partition.startswith(ACCOUNTS) and not is_entry(new):
        return AccountChange(at, read_account(old) if old is not None else None, read_account(new))
    return None
