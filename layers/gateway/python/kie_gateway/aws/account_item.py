"""How an account and the rows of its ledger are written as items of the table."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from kie_gateway.aws.task_item import Item, write_time
from kie_gateway.core.account import Account, Purse, Reason, Row

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_ROW = "ROW#"


def account_key(owner: str) -> Item:
    """Key of an owner's account."""
    return {**ledger_partition(owner), "sk": {"S": "ACCOUNT"}}


def row_key(owner: str, number: int) -> Item:
    """Key of a row; rows sort by number."""
    return {**ledger_partition(owner), "sk": {"S": f"{_ROW}{number:012d}"}}


def ledger_partition(owner: str) -> Item:
    """Where an account lies with its rows."""
    return {"pk": {"S": f"ACCOUNT#{owner}"}}


def write_account(account: Account) -> Item:
    """Write an account; the owner stands in its key, out of the way of the indexes of tasks."""
    item = account_key(account.owner)
    for spec in fields(Account):
        value = getattr(account, spec.name)
        if spec.name != "owner" and value is not None:
            item[spec.name] = _write(value)
    return item


def read_account(item: Mapping[str, "AttributeValueTypeDef"]) -> Account:
    """Read an account."""
    values: dict[str, Any] = {"owner": item["pk"]["S"].partition("#")[2]}
    for spec in fields(Account):
        if spec.name in item:
            values[spec.name] = _read(item[spec.name], spec.type)
    return Account(**values)


def write_row(owner: str, row: Row) -> Item:
    """Write a row of the ledger."""
    item: Item = {
        **row_key(owner, row.number),
        "at": {"S": write_time(row.at)},
        "reason": {"S": row.reason.value},
        "source": {"S": row.source.value},
        "target": {"S": row.target.value},
    }
    for name in ("credits", "balance_after", "reserved_after"):
        item[name] = _write(getattr(row, name))
    if row.task_id is not None:
        # Not `task_id`, which would put the row into the indexes of tasks.
        item["for_task"] = {"S": row.task_id}
    if row.note:
        item["note"] = {"S": row.note}
    return item


def is_row(item: Mapping[str, "AttributeValueTypeDef"]) -> bool:
    """Whether an item of an account's place is a row."""
    return item["sk"]["S"].startswith(_ROW)


def read_row(item: Mapping[str, "AttributeValueTypeDef"]) -> Row:
    """Read a row of the ledger."""
    return Row(
        number=int(item["sk"]["S"].removeprefix(_ROW)),
        at=datetime.fromisoformat(item["at"]["S"]),
        reason=Reason(item["reason"]["S"]),
        credits=Decimal(item["credits"]["N"]),
        source=Purse(item["source"]["S"]),
        target=Purse(item["target"]["S"]),
        balance_after=Decimal(item["balance_after"]["N"]),
        reserved_after=Decimal(item["reserved_after"]["N"]),
        task_id=item["for_task"]["S"] if "for_task" in item else None,
        note=item["note"]["S"] if "note" in item else "",
    )


def _write(value: bool | int | str | Decimal) -> "AttributeValueTypeDef":
    match value:
        case bool():
            return {"BOOL": value}
        case Decimal():
            return {"N": f"{value:f}"}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}


def _read(value: "AttributeValueTypeDef", kind: Any) -> bool | int | str | Decimal:
    if "N" in value:
        return int(value["N"]) if kind is int else Decimal(value["N"])
    return value["BOOL"] if "BOOL" in value else value["S"]
