"""The record in DynamoDB: every step of a task is one conditional write of it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ulid import ULID

from kie_gateway.aws.account_table import MAX_TRIES, AccountTable, pause_seconds
from kie_gateway.aws.errors import refuse_lasting, translated
from kie_gateway.aws.idempotency_item import claim, find_claim, is_same_request
from kie_gateway.aws.table_keys import (
    ENTRY,
    TASK,
    idempotency_key,
    result_key,
    task_key,
    task_partition,
)
from kie_gateway.aws.task_item import (
    RELEASES,
    SWEEPS,
    Item,
    read_entry,
    read_task,
    write_entry,
    write_task,
    write_time,
)
from kie_gateway.aws.task_list_query import list_query
from kie_gateway.aws.task_writes import delete_unmoved, note_result, put_entries, put_new, update
from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.posting import (
    Posting,
    affects_account,
    funded,
    post_creation,
    post_move,
    post_withdrawal,
)
from kie_gateway.core.errors.backend_errors import BackendUnavailableError, RecordGoneError
from kie_gateway.core.errors.caller_errors import CallerError
from kie_gateway.core.moves.move import Move
from kie_gateway.core.ports.accounts import Change
from kie_gateway.core.ports.tasks import Decide, Existing, Moved, Page, TaskFilter
from kie_gateway.core.task import Task, upstream_ids
from kie_gateway.core.timeline import Entry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        TransactWriteItemTypeDef,
    )

# A filtered list reads at most this many pages of the index before it answers with a cursor.
_MAX_LIST_READS = 5
# Upgrades of a clip go by the clip's own id.
_MOST_NAMESAKES = 20
# Named at a time.
_MOST_DUE = 100


class TaskTable:
    """
    The table, as flows need it (`core/ports/tasks.py`, TaskStore).

    Args:
        report_soft_budget: Told of accounts that a new task has brought beyond their soft budget.

    Raises:
        BackendUnavailableError: DynamoDB did not answer, or a record moved faster than we could.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        accounts: AccountTable | None = None,
        *,
        pause: Callable[[float], None] = time.sleep,
        report_soft_budget: Callable[[Account], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._table = table_name
        self._report_soft_budget = report_soft_budget
        self._accounts = accounts or AccountTable(client, table_name, pause=pause)
        self._pause = pause

    def create(
        self,
        task: Task,
        entries: Sequence[Entry],
        idempotency: IdempotencyKey | None,
        *,
        tasks_at_once: int = 0,
    ) -> Task | Existing:
        """Write a new task, its timeline, its reservation and its idempotency key as one."""
        for attempt in range(MAX_TRIES):
            try:
                written = self._try_create(
                    task, entries, idempotency, tasks_at_once, anew=attempt > 0
                )
            except CallerError:
                # What exists already costs nothing, and is answered whatever the balance.
                if idempotency is not None:
                    existing = self.existing(idempotency, task.created_at)
                    if existing is not None:
                        return existing
                if attempt > 0:
                    raise
                # Decided on what is remembered of the account; perhaps no longer so.
                continue
            if written is not None:
                return written
            self._pause(pause_seconds(attempt))
        raise BackendUnavailableError("the task could not be recorded; nothing was sent to Kie.ai")

    def _try_create(
        self,
        task: Task,
        entries: Sequence[Entry],
        idempotency: IdempotencyKey | None,
        tasks_at_once: int,
        *,
        anew: bool,
    ) -> Task | Existing | None:
        writes: list[TransactWriteItemTypeDef] = []
        account: Account | None = None
        if task.reservation is not None:
            task, account, writes = self._reserve(task, tasks_at_once, anew=anew)
        if idempotency is not None:
            of_task: Item = {"for_task": {"S": task.task_id}}
            writes.append(claim(self._table, idempotency, task.created_at, of_task))
        writes.append(put_new(self._table, write_task(task)))
        writes += [note_result(self._table, task.task_id, one) for one in upstream_ids(task)]
        writes += put_entries(self._table, task.task_id, entries)
        with translated():
            try:
                self._client.transact_write_items(TransactItems=writes)
            except self._client.exceptions.TransactionCanceledException as error:
                return _existing_among(refuse_lasting(error), idempotency)
        if account is not None and account.is_over(account.soft_budget, task.created_at):
            self._report_soft_budget(account)
        return task

    def existing(self, idempotency: IdempotencyKey, now: datetime) -> Existing | None:
        """Find the task that an idempotency key stands for; None if the key is free."""
        claimed = find_claim(self._client, self._table, idempotency, now)
        return _read_existing(claimed, idempotency) if claimed is not None else None

    def forget(self, task: Task, idempotency: IdempotencyKey | None) -> None:
        """
        Take a new task back, as if it had never been created, unless it was moved since.

        The ledger keeps both of its entries.
        """
        for attempt in range(MAX_TRIES):
            writes: list[TransactWriteItemTypeDef] = [delete_unmoved(self._table, task)]
            if idempotency is not None:
                key = idempotency_key(idempotency.owner, idempotency.key_hash)
                writes.append({"Delete": {"TableName": self._table, "Key": key}})
            if task.reservation is not None:
                withdraw = partial(post_withdrawal, task=task, now=task.created_at)
                anew = attempt > 0
                writes += self._account_writes(task, withdraw, task.created_at, anew=anew)
            with translated():
                try:
                    self._client.transact_write_items(TransactItems=writes)
                except self._client.exceptions.TransactionCanceledException as error:
                    refuse_lasting(error)
                    current = self.get(task.task_id)
                    if current is None or current.version != task.version:
                        return
                else:
                    break
            self._pause(pause_seconds(attempt))
        else:
            raise BackendUnavailableError(f"{task.task_id} could not be withdrawn")
        with translated():
            for item in self._query_entries(task.task_id):
                self._client.delete_item(TableName=self._table, Key=_key_of(item))

    def get(self, task_id: str) -> Task | None:
        """Read a task as it stands."""
        with translated():
            answer = self._client.get_item(
                TableName=self._table, Key=task_key(task_id), ConsistentRead=True
            )
        return read_task(answer["Item"]) if "Item" in answer else None

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

    def move(self, task: Task, decide: Decide) -> Moved:
        """
        Move the record.

        The write holds only if the record still has the version that was decided on; otherwise the
        record as it stands comes back with the refusal, and `decide` is asked again about that.
        """
        for attempt in range(MAX_TRIES):
            move = decide(task)
            if move is None:
                return Moved(task, changed=False)
            after, found = self._try_move(task, move, anew=attempt > 0)
            if after is not None:
                return Moved(after, changed=True)
            current = found or self.get(task.task_id)
            if current is None:
                raise RecordGoneError(f"{task.task_id} has been withdrawn")
            task = current
            self._pause(pause_seconds(attempt))
        raise BackendUnavailableError(f"the record of {task.task_id} changes too quickly")

    def _try_move(self, before: Task, move: Move, *, anew: bool) -> tuple[Task | None, Task | None]:
        after = replace(move.task, version=before.version + 1)
        writes = [
            update(self._table, before, after),
            *put_entries(self._table, before.task_id, move.entries),
        ]
        named = upstream_ids(before)
        writes += [
            note_result(self._table, after.task_id, one) for one in upstream_ids(after) - named
        ]
        if affects_account(before, after):
            at = move.entries[-1].at
            post = partial(post_move, before=before, after=after, now=at)
            writes += self._account_writes(after, post, at, anew=anew)
        with translated():
            try:
                self._client.transact_write_items(TransactItems=writes)
            except self._client.exceptions.TransactionCanceledException as error:
                return None, _task_among(refuse_lasting(error))
        return after, None

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
        found = (self.get(item["task_id"]["S"]) for item in answer["Items"])
        return [task for task in found if task is not None]

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

    def note(self, task_id: str, entry: Entry) -> None:
        """Add to the timeline without a move."""
        with translated():
            self._client.put_item(
                TableName=self._table, Item=write_entry(task_id, entry, str(ULID()))
            )

    def note_once_a_minute(self, task_id: str, entry: Entry) -> None:
        """Add to the timeline, at most once a minute, what strangers can cause at will."""
        whole_minute = replace(entry, at=entry.at.replace(second=0, microsecond=0))
        item = write_entry(task_id, whole_minute, entry.happened.value)
        with translated():
            self._client.put_item(TableName=self._table, Item=item)

    def entries(self, task_id: str) -> list[Entry]:
        """Read the timeline, oldest first."""
        return [read_entry(item) for item in self._query_entries(task_id)]

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

    def _query_entries(self, task_id: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :entry)",
            ExpressionAttributeValues={
                ":pk": {"S": task_partition(task_id)},
                ":entry": {"S": ENTRY},
            },
            ConsistentRead=True,
        )
        with translated():
            for page in pages:
                yield from page["Items"]

    def _reserve(
        self, task: Task, tasks_at_once: int, *, anew: bool
    ) -> "tuple[Task, Account, list[TransactWriteItemTypeDef]]":
        """Set the credits of a new task aside."""
        now = task.created_at

        def post(account: Account) -> Posting:
            nonlocal task
            task = funded(account, task)
            return post_creation(account, task, tasks_at_once, now)

        posting = self._accounts.decide(task.paying_owner, post, now, anew=anew)
        return task, posting.account, self._accounts.writes(posting)

    def _account_writes(
        self, task: Task, post: Change, now: datetime, *, anew: bool
    ) -> "list[TransactWriteItemTypeDef]":
        posting = self._accounts.decide(task.paying_owner, post, now, anew=anew)
        return self._accounts.writes(posting)


def _task_among(items: Sequence[Item]) -> Task | None:
    return next((read_task(item) for item in items if item["sk"]["S"] == TASK), None)


def _existing_among(items: Sequence[Item], idempotency: IdempotencyKey | None) -> Existing | None:
    if idempotency is None:
        return None
    claimed = (item for item in items if "for_task" in item)
    return next((_read_existing(item, idempotency) for item in claimed), None)


def _read_existing(
    item: "Mapping[str, AttributeValueTypeDef]", idempotency: IdempotencyKey
) -> Existing:
    return Existing(item["for_task"]["S"], is_same_request(item, idempotency))


def _key_of(item: Mapping[str, Any]) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}
