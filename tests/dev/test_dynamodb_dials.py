"""Conflicts, throttling and lateness of the local DynamoDB, by themselves and by dials."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dev.cloud import LocalCloud
from dev.dials import DialError, Dials, parse
from tests.dev.table import Table, item, key, refused, table_cloud


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()
BY_OWNER = {
    "IndexName": "by_owner",
    "KeyConditionExpression": "#o = :o",
    "ExpressionAttributeNames": {"#o": "owner"},
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with table_cloud(clock=CLOCK) as running:
        yield running


@pytest.fixture
def table(cloud: LocalCloud) -> Iterator[Table]:
    yield Table(cloud)
    for name, position in vars(Dials()).items():
        if not name.startswith("_"):
            cloud.dials.set(name, position)


def owned_by(table: Table, owner: str) -> list[str]:
    found = table.call("query", **BY_OWNER, ExpressionAttributeValues={":o": {"S": owner}})
    return [one["pk"]["S"] for one in found["Items"]]


def test_a_transaction_sent_twice_is_done_once(table: Table) -> None:
    """transaction-apis.html, idempotency: for ten minutes, and only with the same parameters."""
    count = {
        "Key": key("counted"),
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    token = {"ClientRequestToken": "the-first"}
    table.transact(("Update", count), **token)
    table.transact(("Update", count), **token)
    assert table.get("counted")["n"] == {"N": "1"}
    with refused("IdempotentParameterMismatchException"):
        table.transact(("Put", {"Item": item("other")}), **token)
    CLOCK.now += 601
    table.transact(("Update", count), **token)
    assert table.get("counted")["n"] == {"N": "2"}


def test_a_canceled_transaction_may_be_sent_again(table: Table) -> None:
    table.put("there")
    new = {"Item": item("there", n={"N": "1"}), "ConditionExpression": "attribute_not_exists(pk)"}
    for _ in range(2):
        with refused("TransactionCanceledException", "[ConditionalCheckFailed]"):
            table.transact(("Put", new), ClientRequestToken="canceled")
    table.call("delete_item", Key=key("there"))
    table.transact(("Put", new), ClientRequestToken="canceled")


def test_transactions_under_way_hold_their_items(cloud: LocalCloud, table: Table) -> None:
    """transaction-apis.html, conflict handling: who comes later loses, reads do not."""
    put = ("Put", {"Item": item("busy")})
    beside = ("Put", {"Item": item("beside", n={"N": "1"})})
    with cloud.aws.lock("DynamoDB"), ThreadPoolExecutor(1) as threads:
        first = threads.submit(table.transact, put, ("Put", {"Item": item("second")}))
        _until_in_flight(cloud, 1)
        outcomes = _released(cloud, table, beside, put)
    first.result()
    canceled, single = outcomes
    assert [reason["Code"] for reason in canceled["CancellationReasons"]] == [
        "None",
        "TransactionConflict",
    ]
    assert single["Error"]["Code"] == "TransactionConflictException"
    assert table.get("beside") is None
    table.transact(beside, put)


def test_a_transaction_sent_again_too_early_is_in_progress(cloud: LocalCloud, table: Table) -> None:
    """API_TransactWriteItems.html: TransactionInProgressException."""
    put = ("Put", {"Item": item("twice")})
    with cloud.aws.lock("DynamoDB"), ThreadPoolExecutor(2) as threads:
        first = threads.submit(table.transact, put, ClientRequestToken="early")
        _until_in_flight(cloud, 1)
        second = threads.submit(table.transact, put, ClientRequestToken="early")
        _until_in_flight(cloud, 2)
        cloud.aws._locks["DynamoDB"].release()
        first.result()
        with refused("TransactionInProgressException"):
            second.result()
        cloud.aws._locks["DynamoDB"].acquire()
    table.transact(put, ClientRequestToken="early")


def _until_in_flight(cloud: LocalCloud, number: int) -> None:
    law, waited = cloud.aws.gate.law, threading.Event()
    for _ in range(200):
        if sum(law.in_flight._tokens.values()) >= number:
            return
        waited.wait(0.01)
    raise AssertionError("the transaction has not arrived")


def _released(cloud: LocalCloud, table: Table, beside: Any, put: Any) -> list[dict[str, Any]]:
    """Let a transaction and a single write arrive while another is under way."""

    def answer(call: Any) -> Any:
        with pytest.raises(ClientError) as caught:
            call()
        return caught.value.response

    with ThreadPoolExecutor(2) as threads:
        canceled = threads.submit(answer, lambda: table.transact(beside, put))
        _until_in_flight(cloud, 2)
        single = threads.submit(answer, lambda: table.put("busy"))
        _until_in_flight(cloud, 3)
        cloud.aws._locks["DynamoDB"].release()
        found = [canceled.result(), single.result()]
        cloud.aws._locks["DynamoDB"].acquire()
    return found


def test_next_writes_conflict_by_a_dial(table: Table) -> None:
    table.dials.set("conflict_next", 2)
    with refused("TransactionCanceledException") as answer:
        table.transact(("Put", {"Item": item("a")}), ("Put", {"Item": item("b")}))
    assert [reason["Code"] for reason in answer["CancellationReasons"]] == [
        "TransactionConflict",
        "None",
    ]
    with refused("TransactionConflictException", "Transaction is ongoing for the item"):
        table.put("a")
    table.put("a")
    assert table.get("b") is None


def test_a_share_of_writes_conflicts_by_a_dial(table: Table) -> None:
    table.dials.set("conflict_share", 1)
    for _ in range(3):
        with refused("TransactionConflictException"):
            table.put("a")
    table.dials.set("conflict_share", 0)
    table.put("a")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("ThrottlingException", "ThrottlingError"),
        ("ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded"),
        ("RequestLimitExceeded", None),
    ],
)
def test_next_calls_are_throttled_by_a_dial(table: Table, error: str, reason: str | None) -> None:
    """Programming.Errors.html; on-demand-capacity-mode.html for tables with capacity on demand."""
    table.dials.set("throttle_error", error)
    table.dials.set("throttle_next", 3)
    with refused(error):
        table.get("a")
    with refused(error):
        table.put("a")
    with refused("TransactionCanceledException" if reason else error) as answer:
        table.transact(("Put", {"Item": item("a")}), ("Delete", {"Key": key("b")}))
    if reason:
        codes = [one["Code"] for one in answer["CancellationReasons"]]
        assert codes == [reason, "None"]
    table.get("a")


def test_indexes_are_late_by_a_dial(table: Table) -> None:
    """HowItWorks.ReadConsistency.html: what is written, changed and deleted shows later."""
    table.dials.set("index_lag_seconds", 5)
    table.put("late", owner={"S": "alice"}, turn={"N": "1"})
    assert owned_by(table, "alice") == []
    assert table.get("late", ConsistentRead=False)["owner"] == {"S": "alice"}
    CLOCK.now += 5
    assert owned_by(table, "alice") == ["late"]
    table.transact(
        (
            "Update",
            {
                "Key": key("late"),
                "UpdateExpression": "SET #o = :o",
                "ExpressionAttributeNames": {"#o": "owner"},
                "ExpressionAttributeValues": {":o": {"S": "bob"}},
            },
        )
    )
    CLOCK.now += 1
    table.call("delete_item", Key=key("late"))
    assert (owned_by(table, "alice"), owned_by(table, "bob")) == (["late"], [])
    CLOCK.now += 4
    assert (owned_by(table, "alice"), owned_by(table, "bob")) == ([], ["late"])
    CLOCK.now += 1
    assert (owned_by(table, "alice"), owned_by(table, "bob")) == ([], [])


def test_reads_that_are_not_consistent_are_late_by_a_dial(table: Table) -> None:
    table.put("seen", n={"N": "1"})
    CLOCK.now += 10
    table.dials.set("read_lag_seconds", 2)
    table.put("seen", n={"N": "2"})
    pages = {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "seen"}},
    }

    def seen(**parameters: Any) -> set[str]:
        batch = {table.name: {"Keys": [key("seen")], **parameters}}
        answers = [
            table.call("get_item", Key=key("seen"), **parameters)["Item"],
            *table.call("query", **pages, **parameters)["Items"],
            *(one for one in table.call("scan", **parameters)["Items"] if one["pk"]["S"] == "seen"),
            *table.client.batch_get_item(RequestItems=batch)["Responses"][table.name],
        ]
        assert len(answers) == 4
        return {one["n"]["N"] for one in answers}

    assert (seen(), seen(ConsistentRead=True)) == ({"1"}, {"2"})
    get = {"Get": {"TableName": table.name, "Key": key("seen")}}
    read = table.client.transact_get_items(TransactItems=[get])["Responses"][0]["Item"]
    assert read["n"] == {"N": "2"}
    CLOCK.now += 2
    assert seen() == {"2"}


def test_dials_are_read_from_text() -> None:
    dials = parse("index_lag_seconds=0.5 conflict_next=3", read_lag_seconds=0.1)
    assert (dials.index_lag_seconds, dials.conflict_next) == (0.5, 3)
    assert dials.read_lag_seconds == 0.1


@pytest.mark.parametrize(
    "text", ["index_lag", "none=1", "conflict_share=2", "conflict_next=many", "throttle_error=x"]
)
def test_dials_that_do_not_exist_are_named(text: str) -> None:
    with pytest.raises(DialError, match=text.partition("=")[0]):
        parse(text)
