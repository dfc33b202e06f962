"""
Compare ledger, tasks and Kie.ai's own numbers: `make reconcile STACK=kie-gateway`.

Prints every difference; nothing is changed except the saved balance at Kie.ai, for the next run.
"""

import argparse
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import boto3
import httpx

from kie_gateway.aws.ledger_scan import scan_ledger
from kie_gateway.aws.secrets import Secrets
from kie_gateway.aws.table_keys import checkpoint_key
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.credits.reconciliation import Difference, LedgerSnapshot, differences
from kie_gateway.core.errors.provider_errors import ProviderError
from kie_gateway.flows.credits.reconcile import (
    KIE,
    Checkpoint,
    balance_that_differs,
    listings_that_differ,
    prices_that_differ,
    stand,
)
from kie_gateway.kie.balance import KieBalance
from kie_gateway.kie.client import KieClient
from kie_gateway.kie.history import KieHistory, Session
from kie_gateway.kie.http import KieHttp
from kie_gateway.kie.redaction import Redaction
from kie_gateway.wiring.clock import utc_now
from scripts.stack import run, stack_outputs, stack_parameters, usual_stack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

# What is written while the table is read looks like a difference, once.
SECOND_LOOK_SECONDS = 3.0
_KEY = checkpoint_key()


def main() -> int:
    """Reconcile; exit code 1 if anything differs."""
    options = _options()
    dynamodb = boto3.client("dynamodb")
    table = stack_outputs(options.stack)["TableName"]
    ledger = scan_ledger(dynamodb, table)
    found = list(_lasting(dynamodb, table, ledger))
    if not options.offline:
        found += _of_kie(options, dynamodb, table, ledger)
    for difference in found:
        print(f"{difference.about}: {difference.words}")
    entries = sum(map(len, ledger.entries.values()))
    print(
        f"{len(ledger.accounts)} accounts, {entries} entries, {len(ledger.tasks)} tasks:"
        f" {len(found)} differences"
    )
    return 1 if found else 0


def _lasting(client: "DynamoDBClient", table: str, ledger: LedgerSnapshot) -> Iterator[Difference]:
    """Find what differs twice in the same way."""
    first = list(differences(ledger, utc_now()))
    if not first:
        return
    time.sleep(SECOND_LOOK_SECONDS)
    again = set(differences(scan_ledger(client, table), utc_now()))
    yield from (one for one in first if one in again)


def _of_kie(
    options: argparse.Namespace, client: "DynamoDBClient", table: str, ledger: LedgerSnapshot
) -> list[Difference]:
    secrets = Secrets(boto3.client("secretsmanager"))
    keys = secrets.kie_keys(stack_parameters(options.stack)["KieSecret"])
    callback_secret = stack_outputs(options.stack)["CallbackSecretArn"]
    redaction = Redaction(lambda: secrets.text(callback_secret))
    since = utc_now() - timedelta(days=options.days)
    with httpx.Client(base_url=stack_parameters(options.stack)["KieBaseUrl"]) as http:
        kie_http = KieHttp(http, lambda: keys.api_key)
        kie = KieClient(kie_http, redaction)
        found = list(prices_that_differ(ledger, since, lambda task: kie.ask(task).report))
        if keys.history_token is None:
            print("Kie.ai's history was not read: there is no history_token in KieSecret")
        else:
            session = Session(keys.history_token, keys.history_unique_id)
            history = KieHistory(http, lambda: session, redaction)
            found += _of_history(history, TaskTable(client, table), ledger, since)
        checkpoint = stand(ledger, KieBalance(kie_http).read(), utc_now())
    found += balance_that_differs(_last(client, table), checkpoint)
    _note(client, table, checkpoint)
    return found


def _of_history(
    history: KieHistory, tasks: TaskTable, ledger: LedgerSnapshot, since: datetime
) -> list[Difference]:
    try:
        listed = list(history.listed(since))
    except ProviderError as error:
        return [Difference(KIE, f"its history cannot be read: {error.message}")]
    return list(
        listings_that_differ(ledger, lambda name: bool(tasks.find_by_upstream(name)), listed)
    )


def _last(client: "DynamoDBClient", table: str) -> Checkpoint | None:
    item = client.get_item(TableName=table, Key=_KEY).get("Item")
    if item is None:
        return None
    return Checkpoint(
        at=datetime.fromisoformat(item["at"]["S"]),
        balance=Decimal(item["balance"]["N"]),
        spent=Decimal(item["spent"]["N"]),
        held=Decimal(item["held"]["N"]),
    )


def _note(client: "DynamoDBClient", table: str, stands: Checkpoint) -> None:
    amounts: dict[str, AttributeValueTypeDef] = {
        name: {"N": f"{getattr(stands, name):f}"} for name in ("balance", "spent", "held")
    }
    client.put_item(TableName=table, Item={**_KEY, **amounts, "at": {"S": stands.at.isoformat()}})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="reconcile", description=__doc__.strip().splitlines()[0])
    parser.add_argument("--stack", default=usual_stack(), help="name of the deployed stack")
    parser.add_argument(
        "--days", type=int, default=7, help="age of tasks that Kie.ai is asked about"
    )
    parser.add_argument("--offline", action="store_true", help="do not ask Kie.ai")
    return parser.parse_args()


if __name__ == "__main__":
    run(main)
