"""Callers' keys in the table: only as hashes, and remembered for a short while."""

from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from kie_gateway.aws.key_table import MAX_REMEMBERED, MEMORY_SECONDS, KeyTable
from kie_gateway.core.api_key import ApiKey, hash_key
from kie_gateway.core.errors import RecordUnavailableError
from tests.fakes import Seconds
from tests.makers import NOW, seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = "kg_3q8YwzT0nVbXr1"


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def keys(dynamodb: "DynamoDBClient", table_name: str, clock: Seconds) -> KeyTable:
    return KeyTable(dynamodb, table_name, clock=clock)


def revoke(client: "DynamoDBClient", table_name: str) -> None:
    client.delete_item(
        TableName=table_name, Key={"pk": {"S": f"KEY#{hash_key(KEY)}"}, "sk": {"S": "KEY"}}
    )


@pytest.mark.parametrize("expires_at", [None, NOW + seconds(60)])
def test_a_key_is_found_as_it_was_added(keys: KeyTable, expires_at: datetime | None) -> None:
    added = keys.add(KEY, owner="alice", name="laptop", now=NOW, expires_at=expires_at)
    assert added == ApiKey(hash_key(KEY), "alice", "laptop", expires_at)
    assert keys.find(KEY) == added


def test_a_key_is_nowhere_in_the_table(
    keys: KeyTable, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    keys.add(KEY, owner="alice", name="laptop", now=NOW, expires_at=NOW)
    keys.find(KEY)
    (item,) = dynamodb.scan(TableName=table_name)["Items"]
    assert KEY not in str(item)
    assert KEY.removeprefix("kg_") not in str(item)
    assert hash_key(KEY) in str(item)


def test_keys_stay_out_of_every_list_of_tasks(
    keys: KeyTable, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    keys.add(KEY, owner="alice", name="laptop", now=NOW)
    listed = dynamodb.scan(TableName=table_name, IndexName="by_owner")["Items"]
    assert listed == []


@pytest.mark.parametrize(
    "sent", ["", "kg_", KEY[:-1], KEY + "x", KEY.lower(), hash_key(KEY), f"KEY#{KEY}", "ключ 🪁"]
)
def test_any_other_text_is_no_key(keys: KeyTable, sent: str) -> None:
    keys.add(KEY, owner="alice", name="laptop", now=NOW)
    assert keys.find(sent) is None


def test_the_same_key_again_replaces_what_was_known(keys: KeyTable, clock: Seconds) -> None:
    keys.add(KEY, owner="alice", name="laptop", now=NOW, expires_at=NOW)
    keys.add(KEY, owner="bob", name="server", now=NOW)
    assert keys.find(KEY) == ApiKey(hash_key(KEY), "bob", "server")


def test_a_revoked_key_is_refused_once_it_is_forgotten(
    keys: KeyTable, clock: Seconds, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    added = keys.add(KEY, owner="alice", name="laptop", now=NOW)
    assert keys.find(KEY) == added
    revoke(dynamodb, table_name)
    clock.at = MEMORY_SECONDS - 0.1
    assert keys.find(KEY) == added
    clock.at = MEMORY_SECONDS
    assert keys.find(KEY) is None


def test_a_flood_of_one_wrong_key_is_one_read_and_ends(keys: KeyTable, clock: Seconds) -> None:
    assert keys.find(KEY) is None
    added = keys.add(KEY, owner="alice", name="laptop", now=NOW)
    clock.at = MEMORY_SECONDS - 0.1
    assert keys.find(KEY) is None
    clock.at = MEMORY_SECONDS
    assert keys.find(KEY) == added


def test_a_flood_of_many_wrong_keys_does_not_fill_the_memory(
    keys: KeyTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_gateway.aws.key_table.MAX_REMEMBERED", 5)
    assert MAX_REMEMBERED == 1000
    for number in range(20):
        keys.find(f"kg_{number}")
        assert len(keys._remembered) <= 5


def test_a_table_that_does_not_answer_is_no_refusal(
    dynamodb: "DynamoDBClient", clock: Seconds
) -> None:
    nowhere = KeyTable(dynamodb, "no-such-table", clock=clock)
    with pytest.raises(RecordUnavailableError) as failure:
        nowhere.find(KEY)
    assert isinstance(failure.value.__cause__, ClientError)
    assert KEY not in str(failure.value)
    with pytest.raises(RecordUnavailableError):
        nowhere.add(KEY, owner="alice", name="laptop", now=NOW)
