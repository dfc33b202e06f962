"""Accounts and ledgers as callers see them, and what administrators may change."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from kie_gateway.core.credits.ledger import LedgerAccount, Reason
from kie_gateway.web.schemas import Owner, Page, RequestBody, ResponseBody

_MOST_CREDITS = 1_000_000_000
_LEAST_CREDITS = 0.0001
# No `type` statement: its name would stand in the API's document.
_Note = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class AccountChange(RequestBody):
    """Base of what administrators change in an owner's account."""

    owner: Owner = Field(description="Whose account to change.")


class GrantCredits(AccountChange):
    """Credits to grant to an owner, who is limited to the balance from then on."""

    credits: float = Field(
        ge=_LEAST_CREDITS, le=_MOST_CREDITS, description="Rounded to four decimal places."
    )
    reason: _Note = Field(description="Is shown in the ledger.")


class AdjustCredits(AccountChange):
    """A manual correction of an owner's balance."""

    credits: float = Field(
        ge=-_MOST_CREDITS,
        le=_MOST_CREDITS,
        description="What to add, or to take away if negative.",
    )
    reason: _Note = Field(description="Is shown in the ledger.")


class SetLimits(AccountChange):
    """What an owner may spend; a budget that is left out is removed."""

    unlimited: bool | None = Field(
        default=None,
        description="Whether tasks are created whatever the balance. Null leaves it as it is.",
    )
    soft_budget: float | None = Field(
        default=None,
        ge=0,
        le=_MOST_CREDITS,
        description="Credits per calendar month after which the gateway warns its operator.",
    )
    hard_budget: float | None = Field(
        default=None,
        ge=0,
        le=_MOST_CREDITS,
        description="Credits per calendar month after which no task is created.",
    )


class Budget(ResponseBody):
    """What may be spent in a calendar month (UTC), and what has been spent."""

    month: str = Field(description="Such as 2026-03.")
    spent: float
    soft: float | None
    hard: float | None
    is_over_soft: bool = Field(description="Reserved credits count as spent.")


class UpstreamBalance(ResponseBody):
    """The balance of this gateway's account at Kie.ai."""

    balance: float
    as_of: datetime


class Account(ResponseBody):
    """An owner's credits. One credit is 0.005 USD at Kie.ai."""

    object: Literal["credits"] = "credits"
    owner: str
    unlimited: bool = Field(description="Whether tasks are created whatever the balance.")
    balance: float | None = Field(description="What may be spent; null if there is no limit.")
    reserved: float = Field(description="Set aside for open tasks, and for tasks to be created.")
    spent: float = Field(description="Since the beginning.")
    owed: float = Field(description="Charged beyond the balance; the next grant pays for it.")
    open_tasks: int = Field(description="Including tasks that are still to be created.")
    budget: Budget
    upstream: UpstreamBalance | None = Field(
        description="Only for the scope `admin`; null also while Kie.ai does not report it."
    )


class LedgerEntry(ResponseBody):
    """One movement of credits from one ledger account to another."""

    object: Literal["ledger_entry"] = "ledger_entry"
    id: str = Field(description="Entries sort by it.")
    at: datetime
    reason: Reason
    credits: float = Field(description="Always positive.")
    source: LedgerAccount
    target: LedgerAccount
    balance_after: float
    task_id: str | None = Field(description="The task or the batch that the movement belongs to.")
    note: str = Field(description="An administrator's words; empty for other movements.")


class LedgerEntryList(Page):
    """A page of the ledger, newest entry first."""

    data: list[LedgerEntry]
