"""The record of batches in DynamoDB."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from kie_gateway.aws.account_table import MAX_TRIES, AccountTable, pause_seconds
from kie_gateway.aws.batch_item import BATCHES, read_batch, update_batch, write_batch
from kie_gateway.aws.errors import refuse_lasting, translated
from kie_gateway.aws.idempotency_item import claim, find_claim, is_same_request
from kie_gateway.aws.table_keys import batch_key, batch_owner, batches_partition
from kie_gateway.aws.task_item import Item, write_time
from kie_gateway.aws.task_writes import put_new, put_record
from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.posting import Planned, post_plan, post_planned
from kie_gateway.core.credits.posting_builder import Posting
from kie_gateway.core.credits.reservation import Funds
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.caller_errors import CallerError
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.ports.batches import BatchMove, DecideBatch, ExistingBatch

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MOST_DUE = 100


class BatchTable:
    """
    The table, as flows need it (`core/ports/batches.py`).

    Raises:
        BackendUnavailableError: DynamoDB did not answer, or a record moved faster than we could.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        accounts: AccountTable,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table_name
        self._accounts = accounts
        self._pause = pause

    def create(
        self, batch: Batch, idempotency: IdempotencyKey | None, *, tasks_at_once: int
    ) -> Batch | ExistingBatch:
        """Write a new batch, what is set aside for it and its idempotency key as one."""
        for attempt in range(MAX_TRIES):
            try:
                written = self._try_create(batch, idempotency, tasks_at_once, anew=attempt > 0)
            except CallerError:
                # What exists already costs nothing, and is answered whatever the balance.
                if idempotency is not None:
                    existing = self.existing(idempotency, batch.created_at)
                    if existing is not None:
                        return existing
                if attempt > 0:
                    raise
                continue
            if written is not None:
                return written
            if idempotency is not None:
                existing = self.existing(idempotency, batch.created_at)
                if existing is not None:
                    return existing
            self._pause(pause_seconds(attempt))
        raise BackendUnavailableError("the batch could not be recorded; nothing was created")

    def _try_create(
        self, batch: Batch, idempotency: IdempotencyKey | None, tasks_at_once: int, *, anew: bool
    ) -> Batch | None:
        now = batch.created_at

        def post(account: Account) -> Posting:
            nonlocal batch
            batch = replace(batch, funds=Funds.UNLIMITED if account.unlimited else Funds.BALANCE)
            return post_plan(
                account,
                batch.batch_id,
                batch.planned_credits,
                batch.planned_tasks,
                tasks_at_once,
                now,
            )

        writes = self._accounts.writes(self._accounts.decide(batch.owner, post, now, anew=anew))
        if idempotency is not None:
            of_batch: Item = {"for_batch": {"S": batch.batch_id}}
            writes.append(claim(self._table, idempotency, now, of_batch))
        writes.append(put_new(self._table, write_batch(batch)))
        with translated():
            try:
                self._client.transact_write_items(TransactItems=writes)
            except self._client.exceptions.TransactionCanceledException as error:
                refuse_lasting(error)
                return None
        return batch

    def existing(self, idempotency: IdempotencyKey, now: datetime) -> ExistingBatch | None:
        """Find the batch that an idempotency key stands for; None if the key is free."""
        claimed = find_claim(self._client, self._table, idempotency, now)
        if claimed is None:
            return None
        # A key that a task was created under stands for another request.
        batch_id = claimed["for_batch"]["S"] if "for_batch" in claimed else ""
        return ExistingBatch(batch_id, is_same_request(claimed, idempotency))

    def get(self, owner: str, batch_id: str) -> Batch | None:
        """Read a batch as it stands."""
        with translated():
            answer = self._client.get_item(
                TableName=self._table, Key=batch_key(owner, batch_id), ConsistentRead=True
            )
        return read_batch(answer["Item"]) if "Item" in answer else None

    def move(self, batch: Batch, decide: DecideBatch, now: datetime) -> tuple[Batch, bool]:
        """Move the record, deciding again whenever it has changed; and tell whether it moved."""
        for attempt in range(MAX_TRIES):
            move = decide(batch)
            if move is None:
                return batch, False
            if move == BatchMove(batch):
                return batch, True
            if self._try_move(batch, move, now, anew=attempt > 0):
                return move.batch, True
            current = self.get(batch.owner, batch.batch_id)
            if current is None:
                raise BackendUnavailableError(f"the record of {batch.batch_id} is gone")
            batch = current
            self._pause(pause_seconds(attempt))
        raise BackendUnavailableError(f"the record of {batch.batch_id} changes too quickly")

    def _try_move(self, before: Batch, move: BatchMove, now: datetime, *, anew: bool) -> bool:
        after = move.batch
        planned = Planned(
            after.batch_id,
            after.funds,
            before.planned_credits,
            after.planned_credits,
            before.planned_tasks,
            after.planned_tasks,
            tuple(record.task for record in move.creates),
        )

        def post(account: Account) -> Posting:
            return post_planned(account, planned, now)

        writes = [update_batch(self._table, before, after)]
        for record in move.creates:
            writes += put_record(self._table, record)
        if planned.is_change:
            posting = self._accounts.decide(after.owner, post, now, anew=anew)
            writes += self._accounts.writes(posting)
        with translated():
            try:
                self._client.transact_write_items(TransactItems=writes)
            except self._client.exceptions.TransactionCanceledException as error:
                refuse_lasting(error)
                return False
        return True

    def list_batches(
        self, owner: str, *, limit: int, after: str | None
    ) -> tuple[list[Batch], str | None]:
        """List an owner's batches, newest first; with the id to go on after, None at the end."""
        with translated():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk < :after",
                ExpressionAttributeValues={
                    ":pk": {"S": batches_partition(owner)},
                    ":after": {"S": after or "~"},
                },
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=limit + 1,
            )
        found = [read_batch(item) for item in answer["Items"]]
        return found[:limit], found[limit - 1].batch_id if len(found) > limit else None

    def batches_to_sweep(self, now: datetime) -> Sequence[tuple[str, str]]:
        """Return owner and id of some that are due, the longest overdue first."""
        with translated():
            found = self._client.query(
                TableName=self._table,
                IndexName="by_sweep",
                KeyConditionExpression="sweeps = :all AND sweep_at <= :now",
                ExpressionAttributeValues={
                    ":all": {"S": BATCHES},
                    ":now": {"S": write_time(now)},
                },
                Limit=_MOST_DUE,
            )["Items"]
        return [(batch_owner(item), item["sk"]["S"]) for item in found]
