"""Our transactions answer as moto's do, and leave what others write alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import DynamoDBBackend

from dev import seams

if TYPE_CHECKING:
    from dev.cloud import LocalCloud

type Write = dict[str, dict[str, Any]]

NEW = {"ConditionExpression": "attribute_not_exists(pk)"}
OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
IS_NEW = {
    "ConditionExpression": "v = :v",
    "ExpressionAttributeValues": {":v": {"S": "new"}},
}


def item(name: str, **values: str) -> dict[str, Any]:
    return {"pk": {"S": name}, "sk": {"S": "x"}, **{k: {"S": v} for k, v in values.items()}}


def put(name: str, **extra: Any) -> Write:
    return {"Put": {"TableName": "TABLE", "Item": item(name, by="put"), **extra}}


def keyed(kind: str, name: str, **extra: Any) -> Write:
    return {kind: {"TableName": "TABLE", "Key": item(name), **extra}}


def update(name: str, expression: str = "SET v = :v", **extra: Any) -> Write:
    values = {":v": {"S": "new"}}
    extra = {"UpdateExpression": expression, "ExpressionAttributeValues": values, **extra}
    return keyed("Update", name, **extra)


CASES: dict[str, list[Write]] = {
    "all go well": [
        put("a", **NEW),
        update("there"),
        keyed("Delete", "gone"),
        keyed("ConditionCheck", "b", **NEW),
    ],
    "new item by update": [update("fresh"), put("a")],
    "one condition fails": [put("a"), put("there", **NEW), keyed("Delete", "gone")],
    "old items are returned": [put("there", **NEW, **OLD), update("there2", **NEW, **OLD)],
    "a check fails": [update("there"), keyed("ConditionCheck", "there2", **IS_NEW)],
    "an update of a key": [put("a"), update("there", "SET pk = :v")],
    "the same item twice": [put("a"), keyed("Delete", "a")],
    "a wrong key": [put("a"), {"Put": {"TableName": "TABLE", "Item": {"pk": {"S": "a"}}}}],
    "no such table": [put("a"), {"Delete": {"TableName": "None", "Key": item("a")}}],
}


def run(cloud: LocalCloud, case: list[dict[str, Any]]) -> tuple[Any, Any]:
    """Do a transaction on a known table; gives the answer and the table afterwards."""
    client, table = cloud.client("dynamodb"), cloud.resources["Table"]
    for found in client.scan(TableName=table)["Items"]:
        client.delete_item(TableName=table, Key={k: found[k] for k in ("pk", "sk")})
    for name in ("there", "there2", "gone"):
        client.put_item(TableName=table, Item=item(name, v="old"))
    entries = [
        {op: {**what, "TableName": what["TableName"].replace("TABLE", table)}}
        for entry in case
        for op, what in entry.items()
    ]
    try:
        answer: Any = client.transact_write_items(TransactItems=entries)
    except ClientError as exc:
        answer = exc.response
    answer.pop("ResponseMetadata")
    items = client.scan(TableName=table)["Items"]
    return answer, sorted(items, key=lambda found: str(found["pk"]["S"]))


@pytest.mark.parametrize("name", CASES)
def test_answers_and_tables_are_those_of_moto(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Same success, same error with the same reasons, same items."""
    ours = run(cloud, CASES[name])
    with monkeypatch.context() as original:
        original.setattr(DynamoDBBackend, "transact_write_items", seams.moto_transact_write_items)
        original.setattr("moto.dynamodb.models.copy", __import__("copy"))
        motos = run(cloud, CASES[name])
    assert ours == motos


def test_failed_transactions_keep_what_others_write(cloud: LocalCloud) -> None:
    """moto's own would put back a copy of the whole table."""
    client, table = cloud.client("dynamodb"), cloud.resources["Table"]
    client.put_item(TableName=table, Item=item("there"))
    failing = [{"Put": {"TableName": table, "Item": item("there"), **NEW}}]

    def fail(_: int) -> None:
        with pytest.raises(client.exceptions.TransactionCanceledException):
            client.transact_write_items(TransactItems=failing)

    def write(number: int) -> None:
        client.put_item(TableName=table, Item=item(f"write-{number}"))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: (fail if n % 2 else write)(n), range(80)))
    found = {i["pk"]["S"] for i in client.scan(TableName=table)["Items"]}
    assert {f"write-{n}" for n in range(0, 80, 2)} <= found


def test_one_of_many_conditional_writes_wins(cloud: LocalCloud) -> None:
    """A race has one winner."""
    client, table = cloud.client("dynamodb"), cloud.resources["Table"]

    def create(_: int) -> bool:
        entry = {"Put": {"TableName": table, "Item": item("raced"), **NEW}}
        try:
            client.transact_write_items(TransactItems=[entry])
        except client.exceptions.TransactionCanceledException:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(create, range(40))) == 1
