"""What a move of a task writes: parts of one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ulid import ULID

from kie_gateway.aws.event_attributes import EVENT_ATTRIBUTES, write_event
from kie_gateway.aws.table_keys import result_key, task_key
from kie_gateway.aws.task_item import Item, write_entry, write_task
from kie_gateway.core.events.event import event_of_move
from kie_gateway.core.moves.move import NewRecord
from kie_gateway.core.task import Task, upstream_ids
from kie_gateway.core.timeline import Entry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef


def put_new(table: str, item: Item) -> "TransactWriteItemTypeDef":
    """Write an item that must not be there yet."""
    return {
        "Put": {
            "TableName": table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def put_record(table: str, record: NewRecord) -> "list[TransactWriteItemTypeDef]":
    """Write a new task with the beginning of its timeline."""
    task = record.task
    return [
        put_new(
            table, {**write_task(task), **write_event(event_of_move(None, task), task.created_at)}
        ),
        *(note_result(table, task.task_id, one) for one in upstream_ids(task)),
        *put_entries(table, task.task_id, record.entries),
    ]


def update(table: str, before: Task, after: Task, at: datetime) -> "TransactWriteItemTypeDef":
    """
    Write what differs, if the record still has the version it was read with.

    Args:
        at: Of the change.
    """
    # What the last move told is told; only what this one tells stays.
    old = {**write_task(before), **{key: {"NULL": True} for key in EVENT_ATTRIBUTES}}
    new = {**write_task(after), **write_event(event_of_move(before, after), at)}
    names: dict[str, str] = {"#version": "version"}
    values: dict[str, AttributeValueTypeDef] = {":read": {"N": str(before.version)}}
    sets, removes = [], []
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        names[f"#{name}"] = name
        if name in new:
            values[f":{name}"] = new[name]
            sets.append(f"#{name} = :{name}")
        else:
            removes.append(f"#{name}")
    expression = "SET " + ", ".join(sets)
    if removes:
        expression += " REMOVE " + ", ".join(removes)
    return {
        "Update": {
            "TableName": table,
            "Key": task_key(before.task_id),
            "UpdateExpression": expression,
            "ConditionExpression": "#version = :read",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def delete_unmoved(table: str, task: Task) -> "TransactWriteItemTypeDef":
    """Delete a task, unless it was moved since it was read."""
    return {
        "Delete": {
            "TableName": table,
            "Key": task_key(task.task_id),
            "ConditionExpression": "#version = :read",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":read": {"N": str(task.version)}},
        }
    }


def put_entries(
    table: str, task_id: str, entries: Sequence[Entry]
) -> list["TransactWriteItemTypeDef"]:
    """Write entries of a timeline, in this order."""
    order = ULID()
    return [
        {
            "Put": {
                "TableName": table,
                "Item": write_entry(task_id, entry, f"{order}#{position:02d}"),
            }
        }
        for position, entry in enumerate(entries)
    ]


def note_result(table: str, task_id: str, upstream_id: str) -> "TransactWriteItemTypeDef":
    """Note whose a result is; it stays with the task that had it first."""
    return {
        "Update": {
            "TableName": table,
            "Key": result_key(upstream_id),
            "UpdateExpression": "SET for_task = if_not_exists(for_task, :task)",
            "ExpressionAttributeValues": {":task": {"S": task_id}},
        }
    }
