"""Reading the record: tasks by id and by what names them, lists, timelines, and what is due."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any

from kie_gateway.aws.account_table import MAX_TRIES, pause_seconds
from kie_gateway.aws.errors import translated
from kie_gateway.aws.idempotency_item import find_claim, is_same_request
from kie_gateway.aws.table_keys import ENTRY, result_key, task_key, task_partition
from kie_gateway.aws.task_item import (
    RELEASES,
    SWEEPS,
    read_entry,
    read_task,
    write_time,
)
from kie_gateway.aws.task_list_query import list_query
from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.ports.tasks import Existing, Page, TaskFilter
from kie_gateway.core.task import Task
from kie_gateway.core.timeline import Entry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

# A filtered list reads at most this many pages of the index before it answers with a cursor.
_MAX_LIST_READS = 5
# Upgrades of a clip go by the clip's own id.
_MOST_NAMESAKES = 20
# Named at a time.
_MOST_DUE = 100
# BatchGetItem takes no more keys (API reference).
_MOST_READ_AT_ONCE = 100


class TaskReads:
    """
    What is read of the record.

    Raises:
        BackendUnavailableError: DynamoDB did not answer.
    """

    def __init__(
        self, client: "DynamoDBClient", table_name: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._table = table_name
        self._pause = pause

    def existing(self, idempotency: IdempotencyKey, now: datetime) -> Existing | None:
        """Find the task that an idempotency key stands for; None if the key is free."""
        claimed = find_claim(self._client, self._table, idempotency, now)
        return read_existing(claimed, idempotency) if claimed is not None else None

    def get(self, task_id: str) -> Task | None:
        """Read a task as it stands."""
        with translated():
            answer = self._client.get_item(
                TableName=self._table, Key=task_key(task_id), ConsistentRead=True
            )
        return read_task(answer["Item"]) if "Item" in answer else None

    def get_many(self, task_ids: Sequence[str]) -> list[Task]:
        """Read some tasks as they stand, in the order asked for; those that are not there lack."""
        found: dict[str, Task] = {}
        for some in batched(task_ids, _MOST_READ_AT_ONCE, strict=False):
            keys = [task_key(task_id) for task_id in some]
            for attempt in range(MAX_TRIES):
                with translated():
                    answer = self._client.batch_get_item(
                        RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
                    )
                for item in answer["Responses"].get(self._table, ()):
                    task = read_task(item)
                    found[task.task_id] = task
                left = answer.get("UnprocessedKeys", {}).get(self._table)
                if not left:
                    break
                keys = list(left["Keys"])
                self._pause(pause_seconds(attempt))
            else:
                raise BackendUnavailableError("DynamoDB did not read all tasks that were asked for")
        return [found[task_id] for task_id in task_ids if task_id in found]

    def version_of(self, task_id: str) -> int | None:
        """Read which version a task is in, perhaps a moment late; None if it is not there."""
        with translated():
            # Half the price of a consistent read, and a few bytes in place of all.
            answer = self._client.get_item(
                TableName=self._table,
                Key=task_key(task_id),
                ProjectionExpression="#version",
                ExpressionAttributeNames={"#version": "version"},
            )
        return int(answer["Item"]["version"]["N"]) if answer.get("Item") else None

    def is_deleted(self, task_id: str) -> bool:
        """Whether a task has been deleted, or withdrawn as if it had never been created."""
        with translated():
            answer = self._client.get_item(
                TableName=self._table,
                Key=task_key(task_id),
                ProjectionExpression="pk, deleted_at",
                ConsistentRead=True,
            )
        found = answer.get("Item")
        return found is None or "deleted_at" in found

    def find_by_upstream(self, upstream_task_id: str) -> list[Task]:
        """Find tasks by Kie's id; one that was given its id a moment ago may be missing."""
        with translated():
            answer = self._client.query(
                TableName=self._table,
                IndexName="by_upstream",
                KeyConditionExpression="upstream_task_id = :id",
                ExpressionAttributeValues={":id": {"S": upstream_task_id}},
                Limit=_MOST_NAMESAKES,
            )
        found = [self.get(item["task_id"]["S"]) for item in answer["Items"]]
        # What is no task's id any more may be that of an attempt that is over.
        maker = None if found else self.find_by_result(upstream_task_id)
        is_earlier = maker is not None and maker.earlier_attempt(upstream_task_id) is not None
        return [task for task in (*found, maker if is_earlier else None) if task is not None]

    def find_by_result(self, upstream_id: str) -> Task | None:
        """Find the task that first had a result with this id of Kie's, such as a track's."""
        with translated():
            found = self._client.get_item(
                TableName=self._table, Key=result_key(upstream_id), ConsistentRead=True
            )
        return self.get(found["Item"]["for_task"]["S"]) if "Item" in found else None

    def due(self, now: datetime) -> list[str]:
        """Return some tasks whose credits are due for release, the longest overdue first."""
        return self._due("by_release", "releases = :all AND release_at <= :now", RELEASES, now)

    def to_sweep(self, now: datetime) -> list[str]:
        """Return some tasks that nobody may follow, the longest overdue first."""
        return self._due("by_sweep", "sweeps = :all AND sweep_at <= :now", SWEEPS, now)

    def _due(self, index: str, condition: str, everything: str, now: datetime) -> list[str]:
        values: dict[str, AttributeValueTypeDef] = {
            ":all": {"S": everything},
            ":now": {"S": write_time(now)},
        }
        with translated():
            found = self._client.query(
                TableName=self._table,
                IndexName=index,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                Limit=_MOST_DUE,
            )["Items"]
        return [item["task_id"]["S"] for item in found]

    def entries(self, task_id: str) -> list[Entry]:
        """Read the timeline, oldest first."""
        return [read_entry(item) for item in self._query_all(task_id, ENTRY)]

    def list_tasks(
        self, owner: str, which: TaskFilter, *, limit: int, after: str | None, newest_first: bool
    ) -> Page:
        """
        List an owner's tasks in order of creation.

        A page may be short, even empty, and still have a `next_after`: a rare filter is looked for
        in a bounded stretch of the index at a time.
        """
        query = list_query(self._table, owner, which, newest_first=newest_first)
        found: list[Task] = []
        for _ in range(_MAX_LIST_READS):
            if after is not None:
                query["ExclusiveStartKey"] = {**task_key(after), "owner": {"S": owner}} | {
                    "task_id": {"S": after}
                }
            query["Limit"] = max(limit - len(found), 20) if "FilterExpression" in query else limit
            with translated():
                answer = self._client.query(**query)
            tasks = [read_task(item) for item in answer["Items"]]
            found += tasks
            last = answer.get("LastEvaluatedKey")
            if len(found) > limit or (len(found) == limit and last is not None):
                return Page(tuple(found[:limit]), found[limit - 1].task_id)
            if last is None:
                return Page(tuple(found), None)
            after = last["task_id"]["S"]
        return Page(tuple(found), after)

    def _query_all(self, task_id: str, kind: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :kind)",
            ExpressionAttributeValues={
                ":pk": {"S": task_partition(task_id)},
                ":kind": {"S": kind},
            },
            ConsistentRead=True,
        )
        with translated():
            for page in pages:
                yield from page["Items"]


def read_existing(
    item: "Mapping[str, AttributeValueTypeDef]", idempotency: IdempotencyKey
) -> Existing:
    """Read what an idempotency key was claimed with."""
    # A key that stands for another kind of request stands for no task.
    task_id = item["for_task"]["S"] if "for_task" in item else ""
    return Existing(task_id, is_same_request(item, idempotency))
