"""How a batch is written as an item of the table."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from kie_gateway.aws.table_keys import batch_key, batch_owner
from kie_gateway.aws.task_item import Item, write_time
from kie_gateway.core.credits.reservation import Funds
from kie_gateway.core.groups.batch import Batch, counted
from kie_gateway.core.task import SETTLED, Status, Task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        TransactWriteItemTypeDef,
    )

# All batches that somebody has to look at share this key of an index.
BATCHES = "batches"
_MOMENTS = ("canceled_at", "changed_at", "sweep_at")


def write_batch(batch: Batch) -> Item:
    """Write a batch; `sweeps` puts it into an index for as long as there is something to do."""
    item: Item = {
        **batch_key(batch.owner, batch.batch_id),
        "callback_base_url": {"S": batch.callback_base_url},
        "total": {"N": str(batch.total)},
        "created": {"N": str(batch.created)},
        "created_at": {"S": write_time(batch.created_at)},
        "planned_tasks": {"N": str(batch.planned_tasks)},
        "planned_credits": {"N": f"{batch.planned_credits:f}"},
        "release_after_seconds": {"N": str(batch.release_after_seconds)},
        "funds": {"S": batch.funds.value},
    }
    for name in _MOMENTS:
        moment: datetime | None = getattr(batch, name)
        if moment is not None:
            item[name] = {"S": write_time(moment)}
    if batch.sweep_at is not None:
        item["sweeps"] = {"S": BATCHES}
    return item


def read_batch(item: Mapping[str, "AttributeValueTypeDef"]) -> Batch:
    """Read a batch."""
    moments = {name: datetime.fromisoformat(item[name]["S"]) for name in _MOMENTS if name in item}
    return Batch(
        batch_id=item["sk"]["S"],
        owner=batch_owner(item),
        callback_base_url=item["callback_base_url"]["S"],
        total=int(item["total"]["N"]),
        created=int(item["created"]["N"]),
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        planned_tasks=int(item["planned_tasks"]["N"]),
        planned_credits=Decimal(item["planned_credits"]["N"]),
        release_after_seconds=int(item["release_after_seconds"]["N"]),
        funds=Funds(item["funds"]["S"]),
        ended={
            status: number
            for status in SETTLED
            if (number := int(item.get(_count_of(status), {"N": "0"})["N"]))
        },
        **moments,
    )


def update_batch(table: str, before: Batch, after: Batch) -> "TransactWriteItemTypeDef":
    """
    Write what differs, if nobody else has created tasks of it or canceled it.

    What its tasks count in it meanwhile is left alone.
    """
    old, new = write_batch(before), write_batch(after)
    names = {"#created": "created", "#canceled_at": "canceled_at"}
    values: dict[str, AttributeValueTypeDef] = {":read": old["created"]}
    sets, removes = [], []
    for name in sorted((old.keys() | new.keys()) - {"changed_at"}):
        if old.get(name) == new.get(name):
            continue
        names[f"#{name}"] = name
        if name in new:
            values[f":{name}"] = new[name]
            sets.append(f"#{name} = :{name}")
        else:
            removes.append(f"#{name}")
    adds = []
    for status, number in after.ended.items():
        more = number - before.ended.get(status, 0)
        if more:
            names["#changed_at"] = "changed_at"
            values[":changed_at"] = new["changed_at"]
            values[f":{_count_of(status)}"] = {"N": str(more)}
            adds.append(f"{_count_of(status)} :{_count_of(status)}")
    if adds:
        sets.append("#changed_at = :changed_at")
    verbs = (("SET", sets), ("REMOVE", removes), ("ADD", adds))
    expression = " ".join(f"{verb} {', '.join(parts)}" for verb, parts in verbs if parts)
    canceled = "attribute_not_exists(#canceled_at)"
    if before.canceled_at is not None:
        canceled = "attribute_exists(#canceled_at)"
    return {
        "Update": {
            "TableName": table,
            "Key": batch_key(before.owner, before.batch_id),
            "UpdateExpression": expression,
            "ConditionExpression": f"#created = :read AND {canceled}",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
    }


def count_in_batch(
    table: str, task: Task, before: Status | None, now: datetime
) -> "list[TransactWriteItemTypeDef]":
    """
    Count a task in its batch, if what it counts as has changed.

    Args:
        before: Its status before; None for a new one.
    """
    was, is_ = counted(before) if before is not None else None, counted(task.status)
    if task.batch_id is None or was == is_:
        return []
    changes = [(was, "-1"), (is_, "1")]
    return [
        {
            "Update": {
                "TableName": table,
                "Key": batch_key(task.paying_owner, task.batch_id),
                "UpdateExpression": "SET changed_at = :now ADD "
                + ", ".join(f"{_count_of(one)} :{one}" for one, _ in changes if one is not None),
                # A task outlives nobody's batch, but a wrong id must not make a new item.
                "ConditionExpression": "attribute_exists(pk)",
                "ExpressionAttributeValues": {
                    ":now": {"S": write_time(now)},
                    **{f":{one}": {"N": by} for one, by in changes if one is not None},
                },
            }
        }
    ]


def _count_of(status: Status) -> str:
    return f"ended_{status.value}"
