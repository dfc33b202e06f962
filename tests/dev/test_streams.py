"""The stream of a table tells of every change once, and feeds its function through the mapping."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.dev.outgoing import Outgoing, outgoing


@pytest.fixture(scope="module")
def whole() -> Iterator[Outgoing]:
    with outgoing() as found:
        yield found


@pytest.fixture
def world(whole: Outgoing) -> Outgoing:
    """Give a world with nothing left in its stream."""
    whole.news.answers.clear()
    whole.pump_later()
    whole.news.batches.clear()
    return whole


def update(world: Outgoing, pk: str, expression: str, **values: str) -> dict[str, Any]:
    """Describe an update of one item, for calls and transactions."""
    found: dict[str, Any] = {
        "TableName": world.cloud.resources["Table"],
        "Key": {"pk": {"S": pk}, "sk": {"S": "TASK"}},
        "UpdateExpression": expression,
    }
    if values:
        found["ExpressionAttributeValues"] = {f":{k}": {"S": v} for k, v in values.items()}
    return found


def told(world: Outgoing) -> list[tuple[str, str]]:
    world.pump()
    return [(one["eventName"], one["dynamodb"]["Keys"]["pk"]["S"]) for one in world.news.got]


def test_a_record_has_lambdas_shape(world: Outgoing) -> None:
    """with-ddb.html of Lambda's guide."""
    world.say("shape", "task.running")
    world.client("dynamodb").update_item(
        **update(world, "shape", "SET event = :e", e="task.succeeded")
    )
    world.pump()
    _, record = world.news.got
    assert len(record.pop("eventID")) == 32
    number = record["dynamodb"].pop("SequenceNumber")
    assert number.isdecimal()
    assert len(number) >= 21
    arn = world.cloud.stack.streams[0].stream_arn
    assert f":table/{world.cloud.resources['Table']}/stream/" in arn
    keys = {"pk": {"S": "shape"}, "sk": {"S": "TASK"}}
    assert record == {
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": int(world.now),
            "Keys": keys,
            "NewImage": {**keys, "event": {"S": "task.succeeded"}},
            "OldImage": {**keys, "event": {"S": "task.running"}},
            "SizeBytes": 13 + (13 + 19) + (13 + 17),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def test_sequence_numbers_grow(world: Outgoing) -> None:
    for n in range(4):
        world.say("numbers", f"task.{n}")
    world.pump()
    numbers = [int(one["dynamodb"]["SequenceNumber"]) for one in world.news.got]
    assert numbers == sorted(set(numbers))
    assert len({one["eventID"] for one in world.news.got}) == 4


def test_an_update_that_makes_an_item_is_one_insertion(world: Outgoing) -> None:
    """Streams.html of DynamoDB's guide; moto's own stream tells of two."""
    world.client("dynamodb").update_item(**update(world, "made", "SET event = :e", e="x"))
    assert told(world) == [("INSERT", "made")]
    assert "OldImage" not in world.news.got[0]["dynamodb"]


def test_what_changes_nothing_is_not_told(world: Outgoing) -> None:
    """Streams.html: no record of a write that does not change data."""
    world.say("same", "task.running")
    world.say("same", "task.running")
    client, place = world.client("dynamodb"), {"TableName": world.cloud.resources["Table"]}
    client.delete_item(**place, Key={"pk": {"S": "nothing"}, "sk": {"S": "TASK"}})
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.put_item(
            **place,
            Item={"pk": {"S": "same"}, "sk": {"S": "TASK"}, "event": {"S": "other"}},
            ConditionExpression="attribute_not_exists(pk)",
        )
    assert told(world) == [("INSERT", "same")]


def test_transactions_are_told_item_by_item_or_not_at_all(world: Outgoing) -> None:
    client, table = world.client("dynamodb"), world.cloud.resources["Table"]
    world.say("deleted", "x")
    key = {"pk": {"S": "deleted"}, "sk": {"S": "TASK"}}
    put = {"pk": {"S": "put"}, "sk": {"S": "TASK"}, "event": {"S": "x"}}
    writes: list[dict[str, Any]] = [
        {"Put": {"TableName": table, "Item": put}},
        {"Update": update(world, "updated", "SET event = :e", e="x")},
        {"Delete": {"TableName": table, "Key": key}},
    ]
    client.transact_write_items(TransactItems=writes)
    never = {**update(world, "put", "SET event = :e", e="y"), "ConditionExpression": "event = :e"}
    other = {"Put": {"TableName": table, "Item": {**put, "pk": {"S": "other"}}}}
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(TransactItems=[other, {"Update": never}])
    assert sorted(told(world)) == [
        ("INSERT", "deleted"),
        ("INSERT", "put"),
        ("INSERT", "updated"),
        ("REMOVE", "deleted"),
    ]


def test_batches_of_writes_are_told(world: Outgoing) -> None:
    item = {"pk": {"S": "batched"}, "sk": {"S": "TASK"}, "event": {"S": "x"}}
    requests: Any = {world.cloud.resources["Table"]: [{"PutRequest": {"Item": item}}]}
    world.client("dynamodb").batch_write_item(RequestItems=requests)
    assert told(world) == [("INSERT", "batched")]


def test_filters_drop_records(world: Outgoing) -> None:
    """Neither without an event, nor the removal of what is no task."""
    world.put("silent", note={"S": "x"})
    world.put("entry", sk="EVENT#1")
    place = {"TableName": world.cloud.resources["Table"]}
    for pk, sk in (("silent", "TASK"), ("entry", "EVENT#1")):
        world.client("dynamodb").delete_item(**place, Key={"pk": {"S": pk}, "sk": {"S": sk}})
    assert told(world) == [("REMOVE", "silent")]
    assert "NewImage" not in world.news.got[0]["dynamodb"]


def test_what_expires_is_told_with_who_removed_it(world: Outgoing) -> None:
    """time-to-live-ttl-streams.html of DynamoDB's guide; long ago is never, howitworks-ttl.html."""
    world.put("over", expires_at={"N": str(int(world.now) - 1)})
    world.put("not yet", expires_at={"N": str(int(world.now) + 60)})
    world.put("long ago", expires_at={"N": "1000"})
    assert world.cloud.expiry.remove_expired() == 1
    assert told(world) == [("REMOVE", "over")]
    identity = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert world.news.got[0]["userIdentity"] == identity


def test_what_fails_for_good_reaches_the_queue(world: Outgoing) -> None:
    """After as many tries as the template allows; what came before it in the batch is done."""
    for n in range(3):
        world.say("doomed", f"task.{n}")
    world.news.fail(1)
    world.news.answers += [LookupError("nothing there")] * 8
    world.pump_later()
    sizes = [len(batch) for batch in world.news.batches]
    assert sizes == [3, 2, 1, 1, 1, 1, 1, 1]
    messages = world.receive("GivenUp")
    numbers = [one["dynamodb"]["SequenceNumber"] for one in world.news.batches[0]]
    infos = [json.loads(one["Body"])["DDBStreamBatchInfo"] for one in messages]
    assert sorted(one["startSequenceNumber"] for one in infos) == numbers[1:]
    assert infos[0]["streamArn"] == world.cloud.stack.streams[0].stream_arn
    assert world.cloud.sources.stream_due_at() is None


def test_a_failed_batch_comes_when_time_has_passed(world: Outgoing) -> None:
    world.say("later", "x")
    world.news.fail(0)
    assert world.pump() == 1
    due = world.cloud.sources.stream_due_at()
    assert due is not None
    assert due > world.now
    world.now = due
    assert world.pump() == 1
    assert world.cloud.sources.stream_due_at() is None
