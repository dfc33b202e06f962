"""Accounts and their ledgers in the table: a change and its entries are one transaction."""

import math
import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from kie_gateway.aws.account_item import (
    read_account,
    read_ledger_entry,
    write_account_change,
    write_ledger_entries,
)
from kie_gateway.aws.errors import refuse_lasting, translated
from kie_gateway.aws.idempotency_item import claim, find_claim, is_same_request
from kie_gateway.aws.table_keys import account_key, account_partition, ledger_entry_key
from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.ledger import LedgerEntry, LedgerPosition, with_balances
from kie_gateway.core.credits.posting import start_account, together
from kie_gateway.core.credits.posting_builder import Posting
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.caller_errors import IdempotencyMismatchError
from kie_gateway.core.ports.accounts import Change, Changed
from kie_gateway.core.short_memory import ShortMemory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# Everybody who moves the same account at once tries again, and one of them gets through each time.
MAX_TRIES = 30
LONGEST_PAUSE_SECONDS = 1.0
_MAX_REMEMBERED = 1000


def pause_seconds(attempt: int) -> float:
    """Spread those who try again, ever further; the first time they try at once."""
    longest = min(0.02 * (2**attempt - 1), LONGEST_PAUSE_SECONDS)
    return random.uniform(0, longest)  # noqa: S311 - no secret


class AccountTable:
    """
    The accounts, as routes need them (`core/ports/accounts.py`, Accounts).

    Args:
        new_owner_credits: What an owner without an account starts with; None for no limit.

    Raises:
        BackendUnavailableError: DynamoDB did not answer, or an account moved faster than we could.
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
        self._memory = ShortMemory[str, Account](math.inf, time.monotonic, most=_MAX_REMEMBERED)

    def account(self, owner: str, now: datetime) -> Account:
        """Read an account as it stands; a new owner's is what it will be when first written."""
        return start_account(self._read(owner), self._new_owner_credits, now).account

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
            posting = self.decide(owner, decide, now)
            writes = self.writes(posting)
            if once is not None:
                writes.append(claim(self._table, once, now, {}))
            if not writes:
                return Changed(posting.account, replayed=False)
            with translated():
                try:
                    self._client.transact_write_items(TransactItems=writes)
                except self._client.exceptions.TransactionCanceledException as error:
                    refuse_lasting(error)
                else:
                    return Changed(posting.account, replayed=False)
            self._pause(pause_seconds(attempt))
        raise BackendUnavailableError(f"the account of {owner} changes too quickly")

    def ledger(
        self, owner: str, *, limit: int, before: LedgerPosition | None
    ) -> tuple[Sequence[LedgerEntry], LedgerPosition | None]:
        """
        List entries, newest first.

        Args:
            before: Where to go on; None begins at the newest.

        Returns:
            The entries, and where to go on; None at the end.
        """
        if before is not None:
            return self._page(owner, limit, before)
        account = self._read(owner)
        for attempt in range(MAX_TRIES):
            page = self._page(owner, limit, LedgerPosition("~", account.balance))
            now = self._read(owner)
            if now.entries == account.entries:
                return page
            # Entries were written between the balance and the entries.
            account = now
            self._pause(pause_seconds(attempt))
        raise BackendUnavailableError(f"the account of {owner} changes too quickly")

    def _page(
        self, owner: str, limit: int, place: LedgerPosition
    ) -> tuple[list[LedgerEntry], LedgerPosition | None]:
        oldest, newest = (
            ledger_entry_key(owner, entry_id)["sk"] for entry_id in ("", place.entry_id)
        )
        with translated():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :oldest AND :newest",
                ExpressionAttributeValues={
                    ":pk": {"S": account_partition(owner)},
                    ":oldest": oldest,
                    ":newest": newest,
                },
                ScanIndexForward=False,
                ConsistentRead=True,
                # One more than asked for, and the entry itself that it goes on below.
                Limit=limit + 2,
            )
        entries = [
            entry
            for entry in map(read_ledger_entry, answer["Items"])
            if entry.entry_id != place.entry_id
        ]
        page = with_balances(entries[:limit], place.balance)
        if len(entries) <= limit:
            return page, None
        return page, LedgerPosition(page[-1].entry_id, page[-1].balance_after - page[-1].gain)

    def decide(self, owner: str, decide: Change, now: datetime, *, anew: bool = True) -> Posting:
        """
        Decide on an account; a new one begins with what new owners get.

        Args:
            anew: Whether it must be read, or is good enough as remembered: a change is only written
                while its premises hold.
        """
        remembered = None if anew else self._memory.get(owner)
        account = remembered.value if remembered is not None else self._read(owner)
        started = start_account(account, self._new_owner_credits, now)
        return together(started, decide(started.account))

    def writes(self, posting: Posting) -> "list[TransactWriteItemTypeDef]":
        """Write a change, if its premises hold."""
        if posting.account == posting.before:
            return []
        return [
            write_account_change(self._table, posting),
            *write_ledger_entries(self._table, posting),
        ]

    def _read(self, owner: str) -> Account:
        with translated():
            answer = self._client.get_item(
                TableName=self._table, Key=account_key(owner), ConsistentRead=True
            )
        if "Item" not in answer:
            return Account(owner)
        account = read_account(answer["Item"])
        self._remember(account)
        return account

    def _remember(self, account: Account) -> None:
        self._memory.forget(account.owner)
        if account.soft_budget is None:
            # Whether a budget is exceeded is told by the numbers as they are.
            self._memory.keep(account.owner, account)

    def _is_made(self, once: IdempotencyKey, now: datetime) -> bool:
        claimed = find_claim(self._client, self._table, once, now)
        if claimed is None:
            return False
        if not is_same_request(claimed, once):
            raise IdempotencyMismatchError(
                "this Idempotency-Key was used for another change; use a new key for a new change"
            )
        return True
