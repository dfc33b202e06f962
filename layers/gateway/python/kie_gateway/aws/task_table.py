"""The record in DynamoDB: every step of a task is one conditional write of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ulid import ULID

from kie_gateway.aws.account_table import MAX_TRIES, AccountTable, pause_seconds
from kie_gateway.aws.batch_item import count_in_batch
from kie_gateway.aws.errors import refuse_lasting, translated
from kie_gateway.aws.idempotency_item import claim
from kie_gateway.aws.table_keys import ENTRY, EVENT, TASK, idempotency_key
from kie_gateway.aws.task_item import (
    Item,
    read_task,
    write_entry,
)
from kie_gateway.aws.task_reads import TaskReads, read_existing
from kie_gateway.aws.task_writes import (
    delete_unmoved,
    note_result,
    put_entries,
    put_record,
    update,
)
from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.posting import (
    affects_account,
    funded,
    post_creation,
    post_move,
    post_withdrawal,
)
from kie_gateway.core.credits.posting_builder import Posting
from kie_gateway.core.errors.backend_errors import BackendUnavailableError, RecordGoneError
from kie_gateway.core.errors.caller_errors import CallerError
from kie_gateway.core.moves.group_moves import with_care_of_children
from kie_gateway.core.moves.move import Move, NewRecord
from kie_gateway.core.ports.accounts import Change
from kie_gateway.core.ports.tasks import Decide, Existing, Moved
from kie_gateway.core.task import Task, upstream_ids
from kie_gateway.core.timeline import Entry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        TransactWriteItemTypeDef,
    )


class TaskTable(TaskReads):
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
        super().__init__(client, table_name, pause)
        self._report_soft_budget = report_soft_budget
        self._accounts = accounts or AccountTable(client, table_name, pause=pause)

    def create(
        self,
        task: Task,
        entries: Sequence[Entry],
        idempotency: IdempotencyKey | None,
        *,
        tasks_at_once: int = 0,
        beside: Sequence[NewRecord] = (),
    ) -> Task | Existing:
        """Write a new task, its timeline, its reservation and its idempotency key as one."""
        records = (NewRecord(task, tuple(entries)), *beside)
        for attempt in range(MAX_TRIES):
            try:
                written = self._try_create(records, idempotency, tasks_at_once, anew=attempt > 0)
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
        records: Sequence[NewRecord],
        idempotency: IdempotencyKey | None,
        tasks_at_once: int,
        *,
        anew: bool,
    ) -> Task | Existing | None:
        writes: list[TransactWriteItemTypeDef] = []
        account: Account | None = None
        now, first = records[0].task.created_at, records[0].task
        if first.reservation is not None:
            records, account, writes = self._reserve(records, tasks_at_once, anew=anew)
        if idempotency is not None:
            of_task: Item = {"for_task": {"S": first.task_id}}
            writes.append(claim(self._table, idempotency, now, of_task))
        for record in records:
            writes += put_record(self._table, record)
        with translated():
            try:
                self._client.transact_write_items(TransactItems=writes)
            except self._client.exceptions.TransactionCanceledException as error:
                return _existing_among(refuse_lasting(error), idempotency)
        if account is not None and account.is_over(account.soft_budget, now):
            self._report_soft_budget(account)
        return records[0].task

    def forget(
        self, task: Task, idempotency: IdempotencyKey | None, beside: Sequence[Task] = ()
    ) -> None:
        """
        Take a new task back, as if it had never been created, unless it was moved since.

        The ledger keeps both of its entries.
        """
        tasks = (task, *beside)
        for attempt in range(MAX_TRIES):
            writes = [delete_unmoved(self._table, one) for one in tasks]
            if idempotency is not None:
                key = idempotency_key(idempotency.owner, idempotency.key_hash)
                writes.append({"Delete": {"TableName": self._table, "Key": key}})
            if task.reservation is not None:
                withdraw = partial(post_withdrawal, tasks=tasks, now=task.created_at)
                anew = attempt > 0
                writes += self._account_writes(task, withdraw, task.created_at, anew=anew)
            with translated():
                try:
                    self._client.transact_write_items(TransactItems=writes)
                except self._client.exceptions.TransactionCanceledException as error:
                    refuse_lasting(error)
                    current = [self.get(one.task_id) for one in tasks]
                    if [one and one.version for one in current] != [one.version for one in tasks]:
                        return
                else:
                    break
            self._pause(pause_seconds(attempt))
        else:
            raise BackendUnavailableError(f"{task.task_id} could not be withdrawn")
        for one in tasks:
            self._delete_all(one.task_id, ENTRY)
            self._delete_all(one.task_id, EVENT)

    def delete_events(self, task_id: str) -> None:
        """Delete the bodies of the events about a task, which `DeliveryTable` writes."""
        self._delete_all(task_id, EVENT)

    def _delete_all(self, task_id: str, kind: str) -> None:
        with translated():
            for item in self._query_all(task_id, kind):
                self._client.delete_item(TableName=self._table, Key=_key_of(item))

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
        after = with_care_of_children(replace(move.task, version=before.version + 1))
        at = move.entries[-1].at if move.entries else after.created_at
        writes = [
            update(self._table, before, after, at),
            *put_entries(self._table, before.task_id, move.entries),
        ]
        for record in move.creates:
            writes += put_record(self._table, record)
        writes += count_in_batch(self._table, after, before.status, at)
        named = upstream_ids(before)
        writes += [
            note_result(self._table, after.task_id, one) for one in upstream_ids(after) - named
        ]
        if affects_account(before, after):
            post = partial(
                post_move,
                before=before,
                after=after,
                now=move.entries[-1].at,
                created=[record.task for record in move.creates],
            )
            writes += self._account_writes(after, post, move.entries[-1].at, anew=anew)
        with translated():
            try:
                self._client.transact_write_items(TransactItems=writes)
            except self._client.exceptions.TransactionCanceledException as error:
                return None, _task_among(refuse_lasting(error), before.task_id)
        return after, None

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

    def _reserve(
        self, records: Sequence[NewRecord], tasks_at_once: int, *, anew: bool
    ) -> "tuple[list[NewRecord], Account, list[TransactWriteItemTypeDef]]":
        """Set the credits of new tasks aside."""
        first, funded_ones = records[0].task, list[NewRecord]()

        def post(account: Account) -> Posting:
            funded_ones[:] = [replace(one, task=funded(account, one.task)) for one in records]
            tasks = [one.task for one in funded_ones]
            return post_creation(account, tasks, tasks_at_once, first.created_at)

        posting = self._accounts.decide(first.paying_owner, post, first.created_at, anew=anew)
        return funded_ones, posting.account, self._accounts.writes(posting)

    def _account_writes(
        self, task: Task, post: Change, now: datetime, *, anew: bool
    ) -> "list[TransactWriteItemTypeDef]":
        posting = self._accounts.decide(task.paying_owner, post, now, anew=anew)
        return self._accounts.writes(posting)


def _task_among(items: Sequence[Item], task_id: str) -> Task | None:
    of_tasks = (read_task(item) for item in items if item["sk"]["S"] == TASK)
    return next((task for task in of_tasks if task.task_id == task_id), None)


def _existing_among(items: Sequence[Item], idempotency: IdempotencyKey | None) -> Existing | None:
    if idempotency is None:
        return None
    claimed = (item for item in items if "fingerprint" in item)
    return next((read_existing(item, idempotency) for item in claimed), None)


def _key_of(item: Mapping[str, Any]) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}
