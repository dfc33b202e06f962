"""Owners' accounts, as flows need them; `aws/account_table.py` provides them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.ledger import LedgerEntry, LedgerPosition
from kie_gateway.core.credits.posting_builder import Posting

type Change = Callable[[Account], Posting]


@dataclass(frozen=True)
class Changed:
    """An account after a change; `replayed` if an earlier request had made it."""

    account: Account
    replayed: bool


class Accounts(Protocol):
    """The accounts; every call raises BackendUnavailableError when the table is not there."""

    def account(self, owner: str, now: datetime) -> Account:
        """Read an account as it stands; that of a new owner as it will begin."""

    def change(
        self, owner: str, decide: Change, now: datetime, once: IdempotencyKey | None = None
    ) -> Changed:
        """
        Change an account, deciding again whenever somebody else was faster.

        Raises:
            IdempotencyMismatchError: The key stands for another change.
        """

    def ledger(
        self, owner: str, *, limit: int, before: LedgerPosition | None
    ) -> tuple[Sequence[LedgerEntry], LedgerPosition | None]:
        """List entries, newest first; with the place to go on at, None at the end."""
