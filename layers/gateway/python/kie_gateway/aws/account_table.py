"""Accounts and their ledgers in the table: a change and its rows are one transaction."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from kie_gateway.aws.account_item import (
    account_key,
    ledger_partition,
    read_account,
    read_row,
    row_key,
    write_account,
    write_row,
)
from kie_gateway.aws.errors import refuse_lasting, translated
from kie_gateway.aws.idempotency_item import claim, idempotency_key, is_claimed, is_same_request
from kie_gateway.core.account import Account, Booked, Row, start_account
from kie_gateway.core.errors import IdempotencyMismatchError, RecordUnavailableError
from kie_gateway.core.idempotency import IdempotencyKey
from kie_gateway.core.ports import Change, Changed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# Everybody who moves the same account at once tries again, and one of them gets through each time.
MAX_TRIES = 40
LONGEST_PAUSE_SECONDS = 0.4


def pause_seconds(attempt: int) -> float:
    """Spread those who try again, ever further; the first time they try at once."""
    longest = min(0.02 * (2**attempt - 1), LONGEST_PAUSE_SECONDS)
    return random.uniform(0, longest)  # noqa: S311 - no secret


class AccountTable:
    """
    The accounts, as routes need them (`core/ports.py`, Accounts).

    Args:
        new_owner_credits: What an owner without an account starts with; None for no limit.

    Raises:
        RecordUnavailableError: DynamoDB did not answer, or an account moved faster than we could.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table_name: str,
        *,
        new_owner_credits: Decimal | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table_name
        self._new_owner_credits = new_owner_credits
        self._pause = pause

    def account(self, owner: str, now: datetime) -> Account:
        """Read an account as it stands; a new owner's is what it will be when first written."""
        return self._read(owner, now).account

    def change(
        self, owner: str, decide: Change, now: datetime, once: IdempotencyKey | None = None
    ) -> Changed:
        """
        Change an account, deciding again whenever somebody else was faster.

        Args:
            decide: May refuse by raising.
            once: A change that was made under the same key is not made again.

        Raises:
            IdempotencyMismatchError: The key stands for another change.
        """
        for attempt in range(MAX_TRIES):
            if once is not None and self._is_made(once, now):
                return Changed(self.account(owner, now), replayed=True)
            booked = self.decide(owner, decide, now)
            writes = self.writes(booked)
            if once is not None:
                writes.append(claim(self._table, once, now, {}))
            with translated():
                try:
                    self._client.transact_write_items(TransactItems=writes)
                except self._client.exceptions.TransactionCanceledException as error:
                    refuse_lasting(error)
                else:
                    return Changed(booked.account, replayed=False)
            self._pause(pause_seconds(attempt))
        raise RecordUnavailableError(f"the account of {owner} is moving too fast")

    def ledger(
        self, owner: str, *, limit: int, before: int | None
    ) -> tuple[Sequence[Row], int | None]:
        """
        List rows, newest first.

        Args:
            before: The number to go on below; None begins at the newest.

        Returns:
            The rows, and the number to go on below; None at the end.
        """
        newest = row_key(owner, before - 1 if before is not None else 10**12 - 1)["sk"]
        with translated():
            items = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :oldest AND :newest",
                ExpressionAttributeValues={
                    ":pk": ledger_partition(owner)["pk"],
                    ":oldest": row_key(owner, 1)["sk"],
                    ":newest": newest,
                },
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=limit,
            )["Items"]
        rows = [read_row(item) for item in items]
        is_last = not rows or rows[-1].number == 1
        return rows, None if is_last else rows[-1].number

    def decide(self, owner: str, decide: Change, now: datetime) -> Booked:
        """Decide on an account as it stands; a new one begins with what new owners get."""
        started = self._read(owner, now)
        booked = decide(started.account)
        return Booked(booked.account, (*started.rows, *booked.rows))

    def writes(self, booked: Booked) -> "list[TransactWriteItemTypeDef]":
        """Write a change, if nobody else has changed the account since it was decided on."""
        account, read = booked.account, booked.account.version - 1
        put: TransactWriteItemTypeDef = {
            "Put": {
                "TableName": self._table,
                "Item": write_account(account),
                "ConditionExpression": "version = :read" if read else "attribute_not_exists(pk)",
            }
        }
        if read:
            put["Put"]["ExpressionAttributeValues"] = {":read": {"N": str(read)}}
        rows: list[TransactWriteItemTypeDef] = [
            {"Put": {"TableName": self._table, "Item": write_row(account.owner, row)}}
            for row in booked.rows
        ]
        return [put, *rows]

    def _read(self, owner: str, now: datetime) -> Booked:
        with translated():
            answer = self._client.get_item(
                TableName=self._table, Key=account_key(owner), ConsistentRead=True
            )
        account = read_account(answer["Item"]) if "Item" in answer else Account(owner)
        return start_account(account, self._new_owner_credits, now)

    def _is_made(self, once: IdempotencyKey, now: datetime) -> bool:
        with translated():
            answer = self._client.get_item(
                TableName=self._table, Key=idempotency_key(once), ConsistentRead=True
            )
        if "Item" not in answer or not is_claimed(answer["Item"], now):
            return False
        if not is_same_request(answer["Item"], once):
            raise IdempotencyMismatchError(
                "this Idempotency-Key was used for another change; use a new key for a new one"
            )
        return True
