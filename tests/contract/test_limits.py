"""Requests counted by the minute, and the switch that stops new tasks, on moto."""

from typing import TYPE_CHECKING

import pytest

from kie_gateway.aws.creation_switch import MEMORY_SECONDS, CreationSwitch
from kie_gateway.aws.request_counts import RequestCounts
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from tests.fakes import Seconds
from tests.makers import NOW, seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def test_requests_are_counted_by_sender_and_minute(
    dynamodb: "DynamoDBClient", table_name: str
) -> None:
    counts = RequestCounts(dynamodb, table_name)
    seen = [counts.count("key_1", 2, NOW + seconds(n)) for n in (0, 30, 59.5)]
    assert [one.used for one in seen] == [1, 2, 3]
    assert [one.remaining for one in seen] == [1, 0, 0]
    assert [one.is_used_up for one in seen] == [False, False, True]
    assert [one.reset_seconds for one in seen] == [60, 30, 1]
    assert counts.count("key_2", 2, NOW).used == 1
    assert counts.count("key_1", 2, NOW + seconds(60)).used == 1


def test_counts_are_forgotten_soon(dynamodb: "DynamoDBClient", table_name: str) -> None:
    RequestCounts(dynamodb, table_name).count("key_1", 2, NOW)
    (item,) = dynamodb.scan(TableName=table_name)["Items"]
    assert int(item["ttl"]["N"]) == NOW.timestamp() + 600


def test_a_stop_is_known_at_once_here_and_soon_elsewhere(
    dynamodb: "DynamoDBClient", table_name: str
) -> None:
    clock = Seconds()
    here = CreationSwitch(dynamodb, table_name, clock=clock)
    elsewhere = CreationSwitch(dynamodb, table_name, clock=clock)
    assert here.reason() is elsewhere.reason() is None
    here.stop("maintenance", NOW)
    assert (here.reason(), elsewhere.reason()) == ("maintenance", None)
    clock.at = MEMORY_SECONDS
    assert elsewhere.reason() == "maintenance"
    assert here.reason() == "maintenance"
    elsewhere.resume()
    elsewhere.resume()
    assert (here.reason(), elsewhere.reason()) == ("maintenance", None)
    clock.at = 2 * MEMORY_SECONDS
    assert here.reason() is None


def test_a_table_that_does_not_answer_is_no_permission(dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(BackendUnavailableError):
        CreationSwitch(dynamodb, "no-such-table").reason()
    with pytest.raises(BackendUnavailableError):
        RequestCounts(dynamodb, "no-such-table").count("key_1", 1, NOW)
