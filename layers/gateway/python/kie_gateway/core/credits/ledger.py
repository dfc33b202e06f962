"""
The ledger of an owner's credits: one entry for each move.

It is double entry: every entry takes credits out of one ledger account and puts them into another,
so all of them together are always zero, and each number of an owner's account is a sum of entries.

    outside, unlimited -> balance -> planned -> reserved -> spent
                              ^---------'----------'   owed --^
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

NOTHING = Decimal(0)


class LedgerAccount(StrEnum):
    """
    Where credits can be, as in a chart of accounts.

    `outside` is where grants come from, `unlimited` where the credits of owners without a balance
    come from. What a balance could not pay comes out of `owed`, and the next grant goes into it.
    `planned` is set aside for tasks that have no record yet.
    """

    OUTSIDE = "outside"
    UNLIMITED = "unlimited"
    BALANCE = "balance"
    PLANNED = "planned"
    RESERVED = "reserved"
    SPENT = "spent"
    OWED = "owed"


class Reason(StrEnum):
    """Why credits moved."""

    START = "start"
    GRANT = "grant"
    ADJUST = "adjust"
    RESERVE = "reserve"
    CHARGE = "charge"
    RELEASE = "release"
    LATE_SUCCESS = "late_success"


@dataclass(frozen=True)
class LedgerEntry:
    """
    One move of credits.

    Attributes:
        credits: More than 0.
        note: An admin's words.
        entry_id: Entries sort by it; "" until the entry is written.
        balance_after: Reckoned when entries are read, from the balance as it is now.
    """

    at: datetime
    reason: Reason
    credits: Decimal
    source: LedgerAccount
    target: LedgerAccount
    task_id: str | None = None
    note: str = ""
    entry_id: str = ""
    balance_after: Decimal = NOTHING

    @property
    def gain(self) -> Decimal:
        """What it adds to the balance, negative if it takes something away."""
        into, out = self.target is LedgerAccount.BALANCE, self.source is LedgerAccount.BALANCE
        return self.credits * (int(into) - int(out))


@dataclass(frozen=True)
class LedgerPosition:
    """Where to go on in a ledger that is read from the newest entry: below one, at its balance."""

    entry_id: str
    balance: Decimal


def with_balances(entries: Sequence[LedgerEntry], balance: Decimal) -> list[LedgerEntry]:
    """
    Return the entries with the balance after each.

    Args:
        entries: Newest first.
        balance: After the newest.
    """
    told = []
    for entry in entries:
        told.append(replace(entry, balance_after=balance))
        balance -= entry.gain
    return told


def sums(entries: Sequence[LedgerEntry]) -> dict[LedgerAccount, Decimal]:
    """Add up what is in each ledger account after some entries."""
    totals = dict.fromkeys(LedgerAccount, NOTHING)
    for entry in entries:
        totals[entry.source] -= entry.credits
        totals[entry.target] += entry.credits
    return totals
