"""Credits as callers see them: accounts, ledgers, and what admins may do with them."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kie_gateway.core.account import Account, month_of
from kie_gateway.core.api_key import OWNER_PATTERN
from kie_gateway.core.ledger import LedgerAccount, LedgerEntry, Reason

_MOST_CREDITS = 1_000_000_000
_LEAST_CREDITS = 0.0001
type Owner = Annotated[str, StringConstraints(pattern=f"^{OWNER_PATTERN}$")]
type Note = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class AccountChange(BaseModel):
    """What admins may change of an owner's account."""

    model_config = ConfigDict(extra="forbid", strict=True)

    owner: Owner


class GrantCredits(AccountChange):
    """Credits for an owner, who is limited to its balance from then on."""

    credits: float = Field(ge=_LEAST_CREDITS, le=_MOST_CREDITS, description="To four digits.")
    reason: Note = Field(description="Stands in the ledger.")


class AdjustCredits(AccountChange):
    """A correction of an owner's balance by hand."""

    credits: float = Field(
        ge=-_MOST_CREDITS, le=_MOST_CREDITS, description="What is added, or taken if negative."
    )
    reason: Note = Field(description="Stands in the ledger.")


class SetLimits(AccountChange):
    """What an owner may spend; whatever is left out is without a limit."""

    unlimited: bool | None = Field(
        default=None, description="Whether tasks are created whatever the balance; null: as before."
    )
    soft_budget: float | None = Field(
        default=None, ge=0, le=_MOST_CREDITS, description="Credits in a month until a warning."
    )
    hard_budget: float | None = Field(
        default=None, ge=0, le=_MOST_CREDITS, description="Credits in a month, and no more."
    )


class BudgetBody(BaseModel):
    """What may be spent in a calendar month (UTC), and what was."""

    month: str = Field(examples=["2026-03"])
    spent: float
    soft: float | None
    hard: float | None
    is_over_soft: bool = Field(description="With what is reserved.")


class UpstreamBalanceBody(BaseModel):
    """The balance of the whole account at Kie.ai."""

    balance: float
    as_of: datetime


class AccountBody(BaseModel):
    """An owner's credits; 1 credit is 0.005 USD at Kie.ai."""

    object: Literal["credits"] = "credits"
    owner: str
    unlimited: bool
    balance: float | None = Field(description="What may be spent; null where nothing limits it.")
    reserved: float = Field(description="Set aside for tasks that have not ended.")
    spent: float = Field(description="Ever.")
    owed: float = Field(description="Charged beyond the balance; the next grant pays it.")
    open_tasks: int
    budget: BudgetBody
    upstream: UpstreamBalanceBody | None = Field(
        description="For the scope admin only; null also while Kie.ai does not say."
    )


class LedgerEntryBody(BaseModel):
    """One move of credits, out of one ledger account and into another."""

    object: Literal["ledger_entry"] = "ledger_entry"
    id: str = Field(description="Entries sort by it.")
    at: datetime
    reason: Reason
    credits: float
    source: LedgerAccount
    target: LedgerAccount
    balance_after: float
    task_id: str | None
    note: str


class LedgerBody(BaseModel):
    """A page of a ledger, newest first."""

    object: Literal["list"] = "list"
    data: list[LedgerEntryBody]
    has_more: bool
    next_cursor: str | None


def account_body(
    account: Account, now: datetime, upstream: UpstreamBalanceBody | None = None
) -> AccountBody:
    """Present an account."""
    month = month_of(now)
    return AccountBody(
        owner=account.owner,
        unlimited=account.unlimited,
        balance=None if account.unlimited else float(account.balance),
        reserved=float(account.reserved),
        spent=float(account.spent),
        owed=float(account.owed),
        open_tasks=account.open_tasks,
        budget=BudgetBody(
            month=month,
            spent=float(account.spent_in(month)),
            soft=_amount(account.soft_budget),
            hard=_amount(account.hard_budget),
            is_over_soft=account.is_over(account.soft_budget, now),
        ),
        upstream=upstream,
    )


def row_body(entry: LedgerEntry) -> LedgerEntryBody:
    """Present a entry."""
    return LedgerEntryBody(
        id=entry.entry_id,
        at=entry.at,
        reason=entry.reason,
        credits=float(entry.credits),
        source=entry.source,
        target=entry.target,
        balance_after=float(entry.balance_after),
        task_id=entry.task_id,
        note=entry.note,
    )


def ledger_csv(entries: Sequence[LedgerEntry]) -> str:
    """Write entries as CSV (RFC 4180) with a line of names, amounts exact."""
    names = [name for name in LedgerEntryBody.model_fields if name != "object"]
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    for entry in entries:
        body = row_body(entry).model_dump(mode="json", include=set(names))
        amounts = {name: f"{getattr(entry, name):f}" for name in ("credits", "balance_after")}
        writer.writerow({**body, **amounts, "note": _plain(entry.note)})
    return text.getvalue()


def _plain(text: str) -> str:
    """Keep spreadsheets from taking words for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _amount(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
