"""How an account and the entries of its ledger are written as items of the table."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ulid import ULID

from kie_gateway.aws.table_keys import account_key, ledger_entry_id, ledger_entry_key
from kie_gateway.aws.task_item import Item, write_time
from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.ledger import LedgerAccount, LedgerEntry, Reason
from kie_gateway.core.credits.posting_builder import Posting, Premise

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        TransactWriteItemTypeDef,
    )

# The attribute of each month.
_SPENT_IN = "spent in "
_AMOUNTS = ("balance", "reserved", "spent", "owed")
_COUNTS = ("open_tasks", "entries")
_SETTINGS = ("unlimited", "soft_budget", "hard_budget")


def write_account_change(table: str, posting: Posting) -> "TransactWriteItemTypeDef":
    """Add to an account what a change adds, if what the change relies on is still so."""
    expression = _Expression()
    before, after = posting.before, posting.account
    for name in _SETTINGS:
        if before.is_new or getattr(before, name) != getattr(after, name):
            expression.set(name, getattr(after, name))
    for name in (*_AMOUNTS, *_COUNTS):
        expression.add(name, getattr(after, name) - getattr(before, name))
    for month, spent in after.spent_by_month.items():
        expression.add(f"{_SPENT_IN}{month}", spent - before.spent_in(month))
    if before.is_new:
        expression.conditions.append("attribute_not_exists(pk)")
    else:
        for name, premise in sorted(posting.premises.items()):
            expression.expect(name, premise)
    return expression.update(table, account_key(after.owner))


def read_account(item: Mapping[str, "AttributeValueTypeDef"]) -> Account:
    """Read an account."""
    values: dict[str, Any] = {
        **{name: Decimal(item[name]["N"]) for name in _AMOUNTS if name in item},
        **{name: int(item[name]["N"]) for name in _COUNTS if name in item},
        **{name: Decimal(item[name]["N"]) for name in _SETTINGS[1:] if name in item},
    }
    return Account(
        owner=item["pk"]["S"].partition("#")[2],
        unlimited=item["unlimited"]["BOOL"],
        spent_by_month={
            name.removeprefix(_SPENT_IN): Decimal(value["N"])
            for name, value in item.items()
            if name.startswith(_SPENT_IN)
        },
        is_new=False,
        **values,
    )


def write_ledger_entries(table: str, posting: Posting) -> "list[TransactWriteItemTypeDef]":
    """Write the entries of a change."""
    order = str(ULID()).lower()
    return [
        {
            "Put": {
                "TableName": table,
                "Item": _write_ledger_entry(posting.account.owner, entry, order, place),
            }
        }
        for place, entry in enumerate(posting.entries)
    ]


def is_entry(item: Mapping[str, "AttributeValueTypeDef"]) -> bool:
    """Whether an item of an account's place is a entry."""
    return ledger_entry_id(item) is not None


def read_ledger_entry(item: Mapping[str, "AttributeValueTypeDef"]) -> LedgerEntry:
    """Read a entry of the ledger."""
    return LedgerEntry(
        at=datetime.fromisoformat(item["at"]["S"]),
        reason=Reason(item["reason"]["S"]),
        credits=Decimal(item["credits"]["N"]),
        source=LedgerAccount(item["source"]["S"]),
        target=LedgerAccount(item["target"]["S"]),
        task_id=item["for_task"]["S"] if "for_task" in item else None,
        note=item["note"]["S"] if "note" in item else "",
        entry_id=ledger_entry_id(item) or "",
    )


def _write_ledger_entry(owner: str, entry: LedgerEntry, order: str, place: int) -> Item:
    item: Item = {
        **ledger_entry_key(owner, f"{order}-{place}"),
        "at": {"S": write_time(entry.at)},
        "reason": {"S": entry.reason.value},
        "credits": _number(entry.credits),
        "source": {"S": entry.source.value},
        "target": {"S": entry.target.value},
    }
    if entry.task_id is not None:
        # Not `task_id`, which would put the entry into the indexes of tasks.
        item["for_task"] = {"S": entry.task_id}
    if entry.note:
        item["note"] = {"S": entry.note}
    return item


class _Expression:
    """An update of an item, part by part."""

    def __init__(self) -> None:
        self.conditions: list[str] = []
        self._parts: dict[str, list[str]] = {"SET": [], "ADD": [], "REMOVE": []}
        self._names: dict[str, str] = {}
        self._values: dict[str, AttributeValueTypeDef] = {}

    def set(self, name: str, value: bool | Decimal | None) -> None:
        """Set an attribute; None takes it away."""
        if value is None:
            self._parts["REMOVE"].append(self._name(name))
        else:
            self._parts["SET"].append(f"{self._name(name)} = {self._value(value)}")

    def add(self, name: str, amount: Decimal | int) -> None:
        """Add to a number; one that is not there counts as 0."""
        if amount:
            self._parts["ADD"].append(f"{self._name(name)} {self._value(amount)}")

    def expect(self, name: str, premise: Premise) -> None:
        """Make the update depend on an attribute; a number that is not there is 0."""
        value, placeholder = premise.value, self._name(name)
        missing = f"attribute_not_exists({placeholder})"
        if value is None:
            self.conditions.append(missing)
            return
        condition = f"{placeholder} {premise.sign} {self._value(value)}"
        holds_for_0 = {"=": value == 0, "<=": value >= 0, ">=": value <= 0}[premise.sign]
        if holds_for_0 and not isinstance(value, bool):
            condition = f"({missing} OR {condition})"
        self.conditions.append(condition)

    def update(self, table: str, key: Item) -> "TransactWriteItemTypeDef":
        """Put it together."""
        parts = [f"{verb} {', '.join(parts)}" for verb, parts in self._parts.items() if parts]
        update: TransactWriteItemTypeDef = {
            "Update": {"TableName": table, "Key": key, "UpdateExpression": " ".join(parts)}
        }
        if self.conditions:
            update["Update"]["ConditionExpression"] = " AND ".join(self.conditions)
        if self._names:
            update["Update"]["ExpressionAttributeNames"] = self._names
        if self._values:
            update["Update"]["ExpressionAttributeValues"] = self._values
        return update

    def _name(self, name: str) -> str:
        placeholder = "#" + name.replace(" ", "_").replace("-", "_")
        self._names[placeholder] = name
        return placeholder

    def _value(self, value: bool | Decimal | int) -> str:
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = {"BOOL": value} if isinstance(value, bool) else _number(value)
        return placeholder


def _number(value: Decimal | int) -> "AttributeValueTypeDef":
    return {"N": f"{value:f}" if isinstance(value, Decimal) else str(value)}
