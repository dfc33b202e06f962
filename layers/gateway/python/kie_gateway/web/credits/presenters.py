"""Accounts and ledgers, from the record to what callers see."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from kie_gateway.core.credits.account import Account, month_of
from kie_gateway.core.credits.ledger import LedgerEntry
from kie_gateway.web.credits import schemas


def account_schema(
    account: Account, now: datetime, upstream: schemas.UpstreamBalance | None = None
) -> schemas.Account:
    """Present an account."""
    month = month_of(now)
    return schemas.Account(
        owner=account.owner,
        unlimited=account.unlimited,
        balance=None if account.unlimited else float(account.balance),
        reserved=float(account.reserved),
        spent=float(account.spent),
        owed=float(account.owed),
        open_tasks=account.open_tasks,
        budget=schemas.Budget(
            month=month,
            spent=float(account.spent_in(month)),
            soft=_amount(account.soft_budget),
            hard=_amount(account.hard_budget),
            is_over_soft=account.is_over(account.soft_budget, now),
        ),
        upstream=upstream,
    )


def entry_schema(entry: LedgerEntry) -> schemas.LedgerEntry:
    """Present an entry of a ledger."""
    return schemas.LedgerEntry(
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
    """Write entries as CSV (RFC 4180) with a header line; amounts are exact."""
    names = [name for name in schemas.LedgerEntry.model_fields if name != "object"]
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    for entry in entries:
        body = entry_schema(entry).model_dump(mode="json", include=set(names))
        amounts = {name: f"{getattr(entry, name):f}" for name in ("credits", "balance_after")}
        writer.writerow({**body, **amounts, "note": _plain(entry.note)})
    return text.getvalue()


def _plain(text: str) -> str:
    """Keep spreadsheets from taking words for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _amount(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
