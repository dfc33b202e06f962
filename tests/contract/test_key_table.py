"""Callers' keys in the table: only as hashes, and remembered for a short while."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from kie_gateway.aws.key_table import MAX_REMEMBERED, MEMORY_SECONDS, KeyTable
from kie_gateway.core.callers.api_key import USUAL, ApiKey, Scope, hash_key
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.short_memory import ShortMemory
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


def add(keys: KeyTable, owner: str = "alice", key_id: str = "key_1", **more: Any) -> ApiKey:
    """Write a key; `expires_at` and the like in `more`."""
    key = ApiKey(key_id, hash_key(more.pop("secret", KEY)), owner, "laptop", NOW, **more)
    keys.put(key)
    return key


def remove(client: "DynamoDBClient", table_name: str) -> None:
    client.delete_item(
        TableName=table_name, Key={"pk": {"S": f"KEY#{hash_key(KEY)}"}, "sk": {"S": "KEY"}}
    )


@pytest.mark.parametrize("expires_at", [None, NOW + seconds(60)])
def test_a_key_is_found_as_it_was_added(keys: KeyTable, expires_at: datetime | None) -> None:
    added = add(keys, expires_at=expires_at, scopes=frozenset({Scope.ADMIN}))
    assert keys.find(KEY) == keys.by_id("key_1") == added


def test_a_new_key_is_good_at_once_though_plain_reads_lag(
    keys: KeyTable, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A key used right after POST /v1/keys was refused for half a minute.

    Plain reads "may not reflect the results of a recently completed write":
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
    """
    read = dynamodb.get_item

    def lagging(**arguments: Any) -> Any:
        return read(**arguments) if arguments.get("ConsistentRead") else {}

    monkeypatch.setattr(dynamodb, "get_item", lagging)
    added = add(keys)
    assert keys.find(KEY) == added


def test_a_key_is_good_at_once_though_it_was_tried_before(keys: KeyTable) -> None:
    assert keys.find(KEY) is None
    added = add(keys)
    assert keys.find(KEY) == added


def test_a_key_is_nowhere_in_the_table(
    keys: KeyTable, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    add(keys, expires_at=NOW)
    keys.find(KEY)
    items = dynamodb.scan(TableName=table_name)["Items"]
    assert KEY not in str(items)
    assert KEY.removeprefix("kg_") not in str(items)
    assert all(hash_key(KEY) in str(item) for item in items)


def test_keys_stay_out_of_every_list_of_tasks(
    keys: KeyTable, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    add(keys)
    listed = dynamodb.scan(TableName=table_name, IndexName="by_owner")["Items"]
    assert listed == []


@pytest.mark.parametrize(
    "sent", ["", "kg_", KEY[:-1], KEY + "x", KEY.lower(), hash_key(KEY), f"KEY#{KEY}", "ключ 🪁"]
)
def test_any_other_text_is_no_key(keys: KeyTable, sent: str) -> None:
    add(keys)
    assert keys.find(sent) is None


def test_the_same_key_again_replaces_what_was_known(keys: KeyTable, clock: Seconds) -> None:
    add(keys, expires_at=NOW)
    added = add(keys, "bob")
    assert keys.find(KEY) == added


def test_a_key_that_is_gone_is_refused_once_it_is_forgotten(
    keys: KeyTable, clock: Seconds, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    added = add(keys)
    assert keys.find(KEY) == added
    remove(dynamodb, table_name)
    clock.at = MEMORY_SECONDS - 0.1
    assert keys.find(KEY) == added
    clock.at = MEMORY_SECONDS
    assert keys.find(KEY) is None


def test_a_flood_of_one_wrong_key_is_one_look_and_ends(
    keys: KeyTable, clock: Seconds, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    assert keys.find(KEY) is None
    added = add(KeyTable(dynamodb, table_name))
    clock.at = MEMORY_SECONDS - 0.1
    assert keys.find(KEY) is None
    clock.at = MEMORY_SECONDS
    assert keys.find(KEY) == added


def test_a_flood_of_many_wrong_keys_does_not_fill_the_memory(
    keys: KeyTable, clock: Seconds
) -> None:
    keys.memory = ShortMemory(MEMORY_SECONDS, clock, most=5)
    assert MAX_REMEMBERED == 1000
    for number in range(20):
        keys.find(f"kg_{number}")
        assert len(keys.memory) <= 5


def test_a_table_that_does_not_answer_is_no_refusal(
    dynamodb: "DynamoDBClient", clock: Seconds
) -> None:
    nowhere = KeyTable(dynamodb, "no-such-table", clock=clock)
    with pytest.raises(BackendUnavailableError) as failure:
        nowhere.find(KEY)
    assert isinstance(failure.value.__cause__, ClientError)
    assert KEY not in str(failure.value)
    with pytest.raises(BackendUnavailableError):
        add(nowhere)


# --- in order -----------------------------------------------------------------------------------


def test_keys_are_listed_in_order_of_an_owner_or_of_all(keys: KeyTable) -> None:
    for n in range(7):
        add(keys, "alice" if n % 2 else "bob", f"key_{n}", secret=f"kg_{n}")
    listed, last = keys.list_keys(None, limit=4, after=None)
    rest, end = keys.list_keys(None, limit=4, after=last)
    assert [key.key_id for key in (*listed, *rest)] == [f"key_{n}" for n in range(7)]
    assert (last, end) == ("key_3", None)
    mine, last = keys.list_keys("alice", limit=3, after=None)
    assert [key.key_id for key in mine] == ["key_1", "key_3", "key_5"]
    assert last is None


def test_a_key_and_the_one_it_replaces_are_written_together(keys: KeyTable) -> None:
    old = add(keys)
    new = replace(old, key_id="key_2", key_hash=hash_key("kg_new"))
    assert keys.succeed(old, new, NOW + seconds(60))
    assert keys.by_id("key_2") == new
    assert keys.find("kg_new") == new
    found = keys.by_id("key_1")
    assert found is not None
    assert found.expires_at == NOW + seconds(60)


def test_a_key_that_was_revoked_meanwhile_has_no_successor_and_stays_revoked(
    keys: KeyTable,
) -> None:
    old = add(keys)
    keys.revoke(old, NOW)
    new = replace(old, key_id="key_2", key_hash=hash_key("kg_new"))
    assert not keys.succeed(old, new, NOW + seconds(60))
    assert (keys.by_id("key_2"), keys.find("kg_new")) == (None, None)
    assert keys.by_id("key_1") == replace(old, revoked_at=NOW)


def test_a_key_is_revoked_once_and_known_as_such_here_at_once(keys: KeyTable) -> None:
    key = add(keys)
    keys.note_use(key, NOW)
    for late in (0, 60):
        keys.revoke(key, NOW + seconds(late))
    assert keys.find(KEY) == replace(key, revoked_at=NOW, last_used_at=NOW)


def test_a_key_that_is_not_there_cannot_be_revoked(keys: KeyTable) -> None:
    with pytest.raises(BackendUnavailableError):
        keys.revoke(ApiKey("key_9", hash_key("kg_9"), "alice", "x", NOW), NOW)
    assert keys.find("kg_9") is None


def test_a_use_is_noted_once_an_hour(
    keys: KeyTable, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    key = add(keys)
    for minutes in (0, 30, 59, 61):
        found = keys.find(KEY)
        assert found is not None
        keys.note_use(found, NOW + timedelta(minutes=minutes))
        key = KeyTable(dynamodb, table_name).find(KEY) or key
        assert key.last_used_at == NOW + timedelta(minutes=61 if minutes == 61 else 0)


def test_a_key_from_before_there_were_scopes_may_do_what_it_could(
    keys: KeyTable, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    dynamodb.put_item(
        TableName=table_name,
        Item={
            "pk": {"S": f"KEY#{hash_key(KEY)}"},
            "sk": {"S": "KEY"},
            "key_owner": {"S": "alice"},
            "name": {"S": "old"},
            "created_at": {"S": NOW.isoformat()},
        },
    )
    found = keys.find(KEY)
    assert found is not None
    assert (found.owner, found.scopes, found.is_valid(NOW)) == ("alice", USUAL, True)
