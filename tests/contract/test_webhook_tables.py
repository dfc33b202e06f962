"""Webhook endpoints and deliveries: what flows rely on, of the real tables and of their fakes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from kie_gateway.aws.delivery_table import DeliveryTable
from kie_gateway.aws.endpoint_table import EndpointTable, read_endpoint
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.events.delivery import (
    KEPT,
    Attempt,
    Delivery,
    DeliveryStatus,
    Trouble,
    after_attempt,
    begun_again,
    given_up,
)
from kie_gateway.core.events.endpoint import (
    DisabledReason,
    Endpoint,
    disabled,
    enabled,
    rotated,
)
from kie_gateway.core.events.event import Event
from kie_gateway.core.events.event_type import EventType
from kie_gateway.core.events.new_delivery import new_delivery
from kie_gateway.core.events.task_webhook import PER_TASK
from kie_gateway.core.moves import ending_moves
from kie_gateway.core.ports.deliveries import Deliveries, Endpoints
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Task
from kie_gateway.core.timeline import Entry, Happened
from tests.contract.one_at_a_time import OneAtATime
from tests.fake_webhooks import FakeDeliveries, FakeEndpoints
from tests.fakes import Clock, FakeTaskStore
from tests.makers import NOW, make_task, seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

THREADS = 6
SCHEDULE = [seconds(5), seconds(300)]


def id_of(number: int) -> str:
    return f"we_{number:026d}"


def make_endpoint(number: int = 1, **changes: Any) -> Endpoint:
    fields: dict[str, Any] = {
        "endpoint_id": id_of(number),
        "owner": "alice",
        "url": "https://hooks.example/kie",
        "created_at": NOW,
        "events": (EventType.TASK_SUCCEEDED, EventType.TASK_FAILED),
        "description": "orders, 注文",
    }
    return Endpoint(**{**fields, **changes})


def make_delivery(
    number: int = 1, *, endpoint: str = id_of(1), after: float = 0, **changes: Any
) -> Delivery:
    event = Event(
        f"evt_{number:026d}_3",
        EventType.TASK_SUCCEEDED,
        NOW + seconds(after),
        changes.pop("owner", "alice"),
        changes.pop("about", "task_1"),
        {"id": "task_1", "prompt": "凧 " * 1000},
    )
    return replace(new_delivery(event, endpoint), **changes)


@dataclass(frozen=True)
class Tables:
    endpoints: Endpoints
    deliveries: Deliveries
    tasks: TaskStore
    clock: Clock


@pytest.fixture(params=["table", "fake"])
def tables(request: pytest.FixtureRequest) -> Tables:
    clock = Clock()
    if request.param == "fake":
        tasks = FakeTaskStore()
        return Tables(FakeEndpoints(), FakeDeliveries(clock.now, tasks.events), tasks, clock)
    dynamodb: DynamoDBClient = request.getfixturevalue("dynamodb")
    name: str = request.getfixturevalue("table_name")
    client: Any = OneAtATime(dynamodb)
    endpoints = EndpointTable(client, name, pause=lambda _: None)
    deliveries = DeliveryTable(client, name, clock.now)
    return Tables(endpoints, deliveries, TaskTable(client, name), clock)


@pytest.fixture
def endpoints(tables: Tables) -> Endpoints:
    return tables.endpoints


@pytest.fixture
def deliveries(tables: Tables) -> Deliveries:
    return tables.deliveries


# --- endpoints ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint",
    [
        make_endpoint(),
        make_endpoint(events=(), description=""),
        disabled(make_endpoint(failing_since=NOW, secret_number=3), DisabledReason.GONE, NOW),
        rotated(make_endpoint(paused_until=NOW + seconds(15), pauses=2), NOW),
        make_endpoint(endpoint_id=PER_TASK, url=""),
    ],
)
def test_an_endpoint_is_read_as_it_was_written(endpoints: Endpoints, endpoint: Endpoint) -> None:
    endpoints.create(endpoint)
    assert endpoints.get("alice", endpoint.endpoint_id) == endpoint


def test_creating_what_is_there_changes_nothing(endpoints: Endpoints) -> None:
    endpoints.create(make_endpoint(secret_number=2))
    endpoints.create(make_endpoint())
    assert endpoints.get("alice", id_of(1)) == make_endpoint(secret_number=2)


def test_nobody_sees_what_is_anothers(endpoints: Endpoints) -> None:
    endpoints.create(make_endpoint())
    assert endpoints.get("bob", id_of(1)) is None
    assert list(endpoints.of_owner("bob")) == []
    endpoints.delete("bob", id_of(1))
    assert endpoints.get("alice", id_of(1)) is not None


def test_an_owners_endpoints_are_listed_oldest_first_without_that_of_its_tasks(
    endpoints: Endpoints,
) -> None:
    made = [make_endpoint(number) for number in (1, 2, 3)]
    for one in (made[2], made[0], make_endpoint(endpoint_id=PER_TASK), made[1]):
        endpoints.create(one)
    assert list(endpoints.of_owner("alice")) == made


def test_a_move_counts_the_version_and_returns_what_is_there(endpoints: Endpoints) -> None:
    endpoints.create(make_endpoint())
    moved = endpoints.move(make_endpoint(), lambda one: rotated(one, NOW), NOW)
    assert moved == replace(rotated(make_endpoint(), NOW), version=2)
    assert endpoints.get("alice", id_of(1)) == moved


def test_nothing_is_written_where_nothing_is_to_change(endpoints: Endpoints) -> None:
    endpoints.create(make_endpoint())
    assert endpoints.move(make_endpoint(), lambda _: None, NOW) == make_endpoint()
    assert endpoints.get("alice", id_of(1)) == make_endpoint()


def test_a_move_decides_again_on_what_another_has_made_of_it(endpoints: Endpoints) -> None:
    endpoints.create(make_endpoint())
    read = endpoints.get("alice", id_of(1))
    assert read is not None
    endpoints.move(read, lambda one: replace(one, description="by another"), NOW)
    moved = endpoints.move(read, lambda one: rotated(one, NOW), NOW)
    assert moved is not None
    assert (moved.description, moved.secret_number, moved.version) == ("by another", 2, 3)


def test_of_those_who_move_an_endpoint_at_once_none_is_lost(endpoints: Endpoints) -> None:
    endpoints.create(make_endpoint())
    together = Barrier(THREADS)

    def rotate(_: int) -> int:
        read = endpoints.get("alice", id_of(1))
        assert read is not None
        together.wait()
        moved = endpoints.move(read, lambda one: rotated(one, NOW), NOW)
        assert moved is not None
        return moved.secret_number

    with ThreadPoolExecutor(THREADS) as pool:
        numbers = list(pool.map(rotate, range(THREADS)))
    assert sorted(numbers) == list(range(2, THREADS + 2))


def test_a_move_of_what_is_deleted_brings_nothing_back(endpoints: Endpoints) -> None:
    endpoints.create(make_endpoint())
    endpoints.delete("alice", id_of(1))
    assert endpoints.move(make_endpoint(), lambda one: rotated(one, NOW), NOW) is None
    assert endpoints.get("alice", id_of(1)) is None


# --- deliveries ---------------------------------------------------------------------------------


def tried() -> Delivery:
    first = after_attempt(
        make_delivery(),
        Attempt(NOW, 120, 503, None, "busy\n" * 100, retry_after_seconds=7),
        SCHEDULE,
        0.5,
    )
    return after_attempt(first, Attempt(NOW, 15000, None, Trouble.TIMEOUT), SCHEDULE, 0)


@pytest.mark.parametrize(
    "delivery",
    [
        make_delivery(),
        make_delivery(endpoint=PER_TASK, url="https://hooks.example/one"),
        tried(),
        given_up(tried(), Trouble.DISABLED),
        begun_again(tried(), NOW),
    ],
)
def test_a_delivery_is_found_as_it_was_written_by_its_id(
    deliveries: Deliveries, delivery: Delivery
) -> None:
    assert deliveries.create(delivery) == delivery
    assert deliveries.get("alice", delivery.delivery_id) == delivery


@pytest.mark.parametrize("delivery_id", ["", "dlv_", "dlv_x_1_2", "task_1", "dlv_per-task_z_1"])
def test_what_is_no_id_leads_to_no_delivery(deliveries: Deliveries, delivery_id: str) -> None:
    assert deliveries.get("alice", delivery_id) is None


def test_an_id_leads_its_owner_alone_to_the_delivery(deliveries: Deliveries) -> None:
    deliveries.create(make_delivery())
    assert deliveries.get("bob", make_delivery().delivery_id) is None


def test_creating_it_twice_leaves_it_as_it_stands(deliveries: Deliveries) -> None:
    deliveries.create(make_delivery())
    deliveries.put(tried())
    assert deliveries.create(make_delivery()) == replace(tried(), body=None)
    assert deliveries.get("alice", make_delivery().delivery_id) == tried()


def test_what_was_begun_again_stays_so_whatever_becomes_of_the_try_before(
    deliveries: Deliveries,
) -> None:
    deliveries.create(make_delivery())
    again = begun_again(tried(), NOW + seconds(60))
    deliveries.put(again)
    deliveries.put(given_up(tried(), Trouble.TIMEOUT))
    assert deliveries.get("alice", make_delivery().delivery_id) == again


def test_what_is_not_there_is_not_brought_back(deliveries: Deliveries) -> None:
    deliveries.put(tried())
    assert deliveries.get("alice", tried().delivery_id) is None


def of_another_kind(kind: EventType) -> Delivery:
    event = Event("evt_9_9", kind, NOW, "alice", "task_1", {"what": "凧"})
    return new_delivery(event, id_of(1))


def body(deliveries: Deliveries, delivery: Delivery) -> str | None:
    found = deliveries.get(delivery.owner, delivery.delivery_id)
    assert found is not None
    return found.body


def test_a_deleted_task_takes_its_events_with_it_and_leaves_the_deliveries(tables: Tables) -> None:
    deliveries = tables.deliveries
    gone = [make_delivery(1), make_delivery(2, after=1), make_delivery(1, endpoint=id_of(2))]
    kept = [make_delivery(3, after=2, about="task_12"), of_another_kind(EventType.BATCH_COMPLETED)]
    for one in (*gone, *kept):
        deliveries.create(one)
    tables.tasks.delete_events("task_1")
    assert [body(deliveries, one) for one in gone] == [None] * 3
    assert [body(deliveries, one) for one in kept] == [one.body for one in kept]
    for one in gone:
        deliveries.put(given_up(replace(one, body="{}"), Trouble.TASK_DELETED))
        assert body(deliveries, one) is None
    found, _ = deliveries.list_deliveries(
        "alice", id_of(1), status=None, since=None, limit=9, after=None
    )
    assert {one.event_id for one in found} == {one.event_id for one in (*gone, *kept)}
    assert {one.trouble for one in found} == {Trouble.TASK_DELETED, None}
    tables.tasks.delete_events("task_1")


def test_a_delivery_without_an_event_is_kept_as_such(deliveries: Deliveries) -> None:
    ended = given_up(make_delivery(body=None), Trouble.TASK_DELETED)
    assert deliveries.create(ended) == ended
    assert deliveries.get("alice", ended.delivery_id) == ended


@pytest.mark.parametrize("kind", [one for one in EventType if not one.is_about_task])
def test_other_events_stay_in_their_deliveries(deliveries: Deliveries, kind: EventType) -> None:
    delivery = of_another_kind(kind)
    deliveries.create(delivery)
    deliveries.put(given_up(delivery, Trouble.TIMEOUT))
    assert body(deliveries, delivery) == delivery.body


def listed(deliveries: Deliveries, limit: int = 2, **which: Any) -> list[list[str]]:
    """List event ids page by page."""
    pages, after = [], None
    while True:
        wanted = {"status": None, "since": None, **which}
        found, after = deliveries.list_deliveries(
            "alice", id_of(1), limit=limit, after=after, **wanted
        )
        pages.append([one.event_id for one in found])
        if after is None:
            return pages


def event_ids(*numbers: int) -> list[str]:
    return [f"evt_{number:026d}_3" for number in numbers]


def test_deliveries_are_listed_page_by_page_newest_first(deliveries: Deliveries) -> None:
    for number in (3, 1, 5, 2, 4):
        deliveries.create(make_delivery(number, after=number))
    deliveries.create(make_delivery(6, endpoint=id_of(2), after=6))
    deliveries.create(make_delivery(7, owner="bob", after=7))
    assert listed(deliveries) == [event_ids(5, 4), event_ids(3, 2), event_ids(1)]
    assert listed(deliveries, limit=5) == [event_ids(5, 4, 3, 2, 1)]


def test_events_of_the_same_moment_are_each_listed_once(deliveries: Deliveries) -> None:
    for number in range(1, 6):
        deliveries.create(make_delivery(number))
    assert [one for page in listed(deliveries) for one in page] == event_ids(5, 4, 3, 2, 1)


def test_a_list_by_status_finds_the_rare_ones(deliveries: Deliveries) -> None:
    for number in range(130):
        deliveries.create(make_delivery(number, after=number))
    for number in (1, 2, 125):
        failed = given_up(make_delivery(number, after=number), Trouble.TIMEOUT)
        deliveries.put(failed)
    pages = listed(deliveries, limit=2, status=DeliveryStatus.FAILED)
    assert [one for page in pages for one in page] == event_ids(125, 2, 1)
    assert all(len(page) <= 2 for page in pages)


def test_a_list_since_a_moment_includes_that_moment(deliveries: Deliveries) -> None:
    for number in range(5):
        deliveries.create(make_delivery(number, after=number))
    assert listed(deliveries, since=NOW + seconds(3)) == [event_ids(4, 3)]
    assert listed(deliveries, since=NOW + seconds(9)) == [[]]


def test_what_was_kept_for_long_enough_is_gone(tables: Tables) -> None:
    old, new = make_delivery(1), make_delivery(2, after=60)
    for one in (old, new):
        tables.deliveries.create(one)
    tables.clock.at = NOW + KEPT + seconds(1)
    assert tables.deliveries.get("alice", old.delivery_id) is None
    assert tables.deliveries.get("alice", new.delivery_id) == new
    assert listed(tables.deliveries) == [event_ids(2)]


def test_a_page_goes_on_behind_what_is_gone_meanwhile(tables: Tables) -> None:
    for number in range(3):
        tables.deliveries.create(make_delivery(number, after=number))

    def page(after: str | None) -> tuple[int, str | None]:
        found, last = tables.deliveries.list_deliveries(
            "alice", id_of(1), status=None, since=None, limit=1, after=after
        )
        return len(found), last

    _, last = page(None)
    tables.clock.at = NOW + KEPT + timedelta(hours=1)
    assert page(last) == (0, None)


# --- what only DynamoDB keeps -------------------------------------------------------------------


class Raw:
    """The table itself."""

    def __init__(self, dynamodb: "DynamoDBClient", name: str) -> None:
        self._dynamodb = dynamodb
        self._name = name
        self.endpoints = EndpointTable(dynamodb, name, pause=lambda _: None)
        self.deliveries = DeliveryTable(dynamodb, name, lambda: NOW)

    def items(self) -> list[dict[str, Any]]:
        return [dict(item) for item in self._dynamodb.scan(TableName=self._name)["Items"]]

    def told(self) -> tuple[str | None, str | None]:
        [item] = self.items()
        event, at = (item.get(name, {}).get("S") for name in ("event", "event_at"))
        return event, at


@pytest.fixture
def raw(dynamodb: "DynamoDBClient", table_name: str) -> Raw:
    return Raw(dynamodb, table_name)


def moved(raw: Raw, decide: Callable[[Endpoint], Endpoint | None], now: datetime = NOW) -> None:
    endpoint = raw.endpoints.get("alice", id_of(1))
    assert endpoint is not None
    raw.endpoints.move(endpoint, decide, now)


@pytest.mark.parametrize("reason", [DisabledReason.GONE, DisabledReason.FAILING])
def test_the_stream_tells_that_an_endpoint_is_disabled_once(
    raw: Raw, reason: DisabledReason
) -> None:
    raw.endpoints.create(make_endpoint())
    assert raw.told() == (None, None)
    moved(raw, lambda one: disabled(one, reason, NOW), NOW + seconds(1))
    assert raw.told() == ("webhook.disabled", "2026-03-01T12:00:01.000+00:00")
    [item] = raw.items()
    assert read_endpoint(item).disabled_reason is reason
    moved(raw, lambda one: rotated(one, NOW))
    assert raw.told() == (None, None)


def test_the_stream_does_not_tell_what_the_owner_has_done_itself(raw: Raw) -> None:
    raw.endpoints.create(make_endpoint())
    moved(raw, lambda one: disabled(one, DisabledReason.BY_OWNER, NOW))
    assert raw.told() == (None, None)
    moved(raw, enabled)
    assert raw.told() == (None, None)


def test_dynamodb_deletes_a_delivery_30_days_after_its_event(raw: Raw) -> None:
    raw.deliveries.create(make_delivery())
    items = raw.items()
    assert sorted(item["sk"]["S"] for item in items) == [
        f"{int(NOW.timestamp() * 1000):015d}#{1:026d}_3",
        f"EVENT#{1:026d}_3",
    ]
    assert [item["pk"]["S"] for item in items if "body" in item] == ["TASK#task_1"]
    for item in items:
        assert item["ttl"]["N"] == str(int((NOW + KEPT).timestamp()))
        # No key of an index of tasks, and nothing that the stream's reader takes for an event.
        assert item.keys().isdisjoint(
            {"owner", "task_id", "event", "sweeps", "releases", "attention"}
        )


def test_the_body_of_a_task_s_event_is_kept_once_for_all_endpoints(raw: Raw) -> None:
    for number in (1, 2, 3):
        raw.deliveries.create(make_delivery(endpoint=id_of(number)))
    assert len([item for item in raw.items() if "body" in item]) == 1


def test_events_lie_with_a_task_and_are_no_part_of_it(
    raw: Raw, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    tasks = TaskTable(dynamodb, table_name)
    task, words = make_task(), Entry(Happened.CREATED, NOW, "created")
    tasks.create(task, (words,), None)
    raw.deliveries.create(make_delivery(about=task.task_id))
    assert tasks.get(task.task_id) == task
    assert tasks.entries(task.task_id) == [words]
    tasks.delete_events(task.task_id)
    assert tasks.get(task.task_id) == task
    assert tasks.entries(task.task_id) == [words]
    raw.deliveries.create(make_delivery(about=task.task_id))
    tasks.forget(task, None)
    assert [item for item in raw.items() if item["pk"]["S"] == f"TASK#{task.task_id}"] == []


def test_a_task_is_deleted_once_it_says_so_or_is_not_there(
    dynamodb: "DynamoDBClient", table_name: str
) -> None:
    tasks = TaskTable(dynamodb, table_name)
    assert tasks.is_deleted(make_task().task_id)
    task = tasks.create(make_task(), (), None)
    assert isinstance(task, Task)
    assert not tasks.is_deleted(task.task_id)
    tasks.move(task, lambda one: ending_moves.delete(one, NOW))
    assert tasks.is_deleted(task.task_id)


def test_a_delivery_that_has_its_body_itself_keeps_it(
    raw: Raw, dynamodb: "DynamoDBClient", table_name: str
) -> None:
    """So they were written before bodies were kept with the tasks."""
    delivery = make_delivery()
    raw.deliveries.create(delivery)
    event, kept = sorted(raw.items(), key=lambda item: "body" not in item)
    dynamodb.put_item(TableName=table_name, Item={**kept, "body": event["body"]})
    TaskTable(dynamodb, table_name).delete_events("task_1")
    assert raw.deliveries.get("alice", delivery.delivery_id) == delivery
    raw.deliveries.put(tried())
    assert raw.deliveries.get("alice", delivery.delivery_id) == tried()


def test_an_endpoint_is_in_no_index_of_tasks(raw: Raw) -> None:
    raw.endpoints.create(disabled(make_endpoint(), DisabledReason.GONE, NOW))
    [item] = raw.items()
    assert item.keys().isdisjoint({"owner", "task_id", "sweeps", "releases", "attention"})


def test_trouble_of_dynamodb_is_told_in_one_way(dynamodb: "DynamoDBClient") -> None:
    endpoints = EndpointTable(dynamodb, "gone")
    deliveries = DeliveryTable(dynamodb, "gone", lambda: NOW)
    calls: list[Callable[[], object]] = [
        lambda: endpoints.create(make_endpoint()),
        lambda: endpoints.get("alice", id_of(1)),
        lambda: endpoints.of_owner("alice"),
        lambda: endpoints.move(make_endpoint(), lambda one: rotated(one, NOW), NOW),
        lambda: endpoints.delete("alice", id_of(1)),
        lambda: deliveries.create(make_delivery()),
        lambda: deliveries.get("alice", make_delivery().delivery_id),
        lambda: deliveries.put(make_delivery()),
        lambda: listed(deliveries),
    ]
    for call in calls:
        with pytest.raises(BackendUnavailableError, match="DynamoDB"):
            call()
