"""Everything that the table holds of credits, read from end to end for an operator's command."""

from collections import defaultdict
from typing import TYPE_CHECKING

from kie_gateway.aws.account_item import is_entry, read_account, read_ledger_entry
from kie_gateway.aws.batch_item import read_batch
from kie_gateway.aws.errors import translated
from kie_gateway.aws.table_keys import ACCOUNTS, BATCHES
from kie_gateway.aws.task_item import read_task
from kie_gateway.core.credits.account import Account
from kie_gateway.core.credits.ledger import LedgerEntry
from kie_gateway.core.credits.reconciliation import LedgerSnapshot
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.task import Task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def scan_ledger(client: "DynamoDBClient", table_name: str) -> LedgerSnapshot:
    """
    Read accounts, ledgers, batches, and tasks with a reservation.

    What is written meanwhile is seen in part, so a difference counts only if it is found twice.

    Raises:
        BackendUnavailableError: DynamoDB did not answer.
    """
    accounts: dict[str, Account] = {}
    entries: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
    tasks: dict[str, Task] = {}
    batches: dict[str, Batch] = {}
    pages = client.get_paginator("scan").paginate(
        TableName=table_name,
        FilterExpression=(
            "begins_with(pk, :account) OR begins_with(pk, :batches)"
            " OR attribute_exists(reservation)"
        ),
        ExpressionAttributeValues={":account": {"S": ACCOUNTS}, ":batches": {"S": BATCHES}},
        ConsistentRead=True,
    )
    with translated():
        for page in pages:
            for item in page["Items"]:
                if "reservation" in item:
                    task = read_task(item)
                    tasks[task.task_id] = task
                elif item["pk"]["S"].startswith(BATCHES):
                    batch = read_batch(item)
                    batches[batch.batch_id] = batch
                elif is_entry(item):
                    entries[item["pk"]["S"].partition("#")[2]].append(read_ledger_entry(item))
                else:
                    account = read_account(item)
                    accounts[account.owner] = account
    for ledger in entries.values():
        ledger.sort(key=lambda entry: entry.entry_id)
    return LedgerSnapshot(accounts, entries, tasks, batches)
