"""PutEvents with its limits, rules, archives, and what the harness lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dev.cloud import LocalCloud
from tests.dev.outgoing import Outgoing, outgoing
from tests.dev.support import call

LARGEST = 1024 * 1024


@pytest.fixture(scope="module")
def world() -> Iterator[Outgoing]:
    with outgoing() as found:
        yield found


def entry(world: Outgoing, name: str = "task.succeeded", **more: Any) -> dict[str, Any]:
    detail = json.dumps({"owner": "alice", "id": name})
    bus = world.cloud.resources["Bus"]
    return {
        "EventBusName": bus,
        "Source": "gateway",
        "DetailType": name,
        "Detail": detail,
        **more,
    }


def put(world: Outgoing, *entries: dict[str, Any]) -> Any:
    return world.client("events").put_events(Entries=list(entries))


def newest(world: Outgoing) -> int:
    return max((one.number for one in world.cloud.events.since()), default=0)


def events_since(cloud: LocalCloud, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call(cloud.url, f"/_dev/events?since={number}").json()["events"]
    return found


def test_the_bus_gets_events_in_eventbridges_shape(world: Outgoing) -> None:
    """eb-events.html of EventBridge's guide; `/_dev/events` lists them."""
    before = newest(world)
    answer = put(world, entry(world, Resources=["arn:r"]), entry(world, "task.failed"))
    assert answer["FailedEntryCount"] == 0
    first, second = events_since(world.cloud, before)
    assert first == {
        "number": before + 1,
        "bus": world.cloud.resources["Bus"],
        "event": {
            "version": "0",
            "id": answer["Entries"][0]["EventId"],
            "detail-type": "task.succeeded",
            "source": "gateway",
            "account": "123456789012",
            "time": "2027-01-15T08:00:00Z",
            "region": "us-east-1",
            "resources": ["arn:r"],
            "detail": {"owner": "alice", "id": "task.succeeded"},
        },
    }
    assert events_since(world.cloud, first["number"]) == [second]
    assert call(world.cloud.url, "/_dev/events?since=x").status == 400


def test_entries_fail_one_by_one(world: Outgoing) -> None:
    """API_PutEvents.html: an answer for each, in the order of the request."""
    before = newest(world)
    answer = put(
        world,
        entry(world, Detail="no JSON"),
        entry(world, Detail='["no object"]'),
        entry(world, Source=""),
        entry(world, "x" * 129),
        entry(world, Source="aws.s3"),
        entry(world),
    )
    codes = [one.get("ErrorCode") for one in answer["Entries"]]
    wrong = "InvalidArgument"
    assert codes[:4] == ["MalformedDetail", "MalformedDetail", wrong, wrong]
    assert codes[4:] == ["NotAuthorizedForSourceException", None]
    assert answer["FailedEntryCount"] == 5
    assert newest(world) == before + 1


def test_a_request_takes_ten_entries(world: Outgoing) -> None:
    put(world, *[entry(world) for _ in range(10)])
    with pytest.raises(ClientError, match="ValidationException"):
        put(world, *[entry(world) for _ in range(11)])


def test_a_request_takes_1_mb_in_all(world: Outgoing) -> None:
    """eb-putevent-size.html says what counts; 1 MB since 2026, API_PutEvents.html."""
    fixed = len("gateway") + len("big") + len('{"x": ""}')
    largest = json.dumps({"x": "x" * (LARGEST - fixed)})
    assert put(world, entry(world, "big", Detail=largest))["FailedEntryCount"] == 0
    for entries in (
        [entry(world, "bigg", Detail=largest)],
        [entry(world, "big", Detail=largest), entry(world)],
    ):
        with pytest.raises(ClientError, match="Total size of the entries"):
            put(world, *entries)


def test_a_request_without_one_whole_entry_fails(world: Outgoing) -> None:
    """API_PutEventsRequestEntry.html."""
    with pytest.raises(ClientError, match="ValidationException"):
        put(world, entry(world, Source=""))


def test_the_dial_fails_entries(world: Outgoing) -> None:
    """With an error that is worth another try, API_PutEventsResultEntry.html."""
    call(world.cloud.url, "/_dev/dials", "PUT", b'{"events_fail_share": 1}')
    before = newest(world)
    answer = put(world, entry(world), entry(world))
    assert [one["ErrorCode"] for one in answer["Entries"]] == ["InternalFailure"] * 2
    assert (answer["FailedEntryCount"], newest(world)) == (2, before)
    call(world.cloud.url, "/_dev/dials", "PUT", b'{"events_fail_share": 0}')


def test_rules_hand_on_what_matches(world: Outgoing) -> None:
    world.client("sqs").purge_queue(QueueUrl=world.cloud.resources["Readers"])
    other = json.dumps({"owner": "bob"})
    put(world, entry(world), entry(world, "batch.completed"), entry(world, Detail=other))
    [message] = world.receive("Readers")
    assert json.loads(message["Body"])["detail"] == {"owner": "alice", "id": "task.succeeded"}


def test_the_archive_keeps_what_matches(world: Outgoing) -> None:
    events = world.client("events")
    name = world.cloud.resources["Archive"]
    before = events.describe_archive(ArchiveName=name)["EventCount"]
    put(world, entry(world), entry(world, Source="other"))
    assert events.describe_archive(ArchiveName=name)["EventCount"] == before + 1


def test_an_unknown_bus_is_refused(world: Outgoing) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        put(world, entry(world, EventBusName="nobody"))
