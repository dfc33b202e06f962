"""Webhook endpoints and deliveries: what may be done with them, with fakes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.caller_errors import InvalidRequestError
from kie_gateway.core.errors.webhook_errors import (
    DeliveryNotFoundError,
    EndpointDisabledError,
    EndpointNotFoundError,
    EventDeletedError,
    TooManyEndpointsError,
)
from kie_gateway.core.events.delivery import (
    Delivery,
    DeliveryPlace,
    DeliveryStatus,
    Trouble,
    begun_again,
    delivery_id,
    delivery_place,
    given_up,
)
from kie_gateway.core.events.endpoint import (
    MOST_ENDPOINTS,
    ROTATION,
    DisabledReason,
    Endpoint,
    EndpointStatus,
    disabled,
    rotated,
)
from kie_gateway.core.events.event import Event
from kie_gateway.core.events.event_type import EventType
from kie_gateway.core.events.new_delivery import new_delivery
from kie_gateway.core.events.task_webhook import PER_TASK
from kie_gateway.core.events.webhook_hosts import webhook_hosts
from kie_gateway.core.events.webhook_secret import newest_secret, signing_secrets
from kie_gateway.flows.events.manage_endpoints import (
    CheckAddress,
    CreateEndpoint,
    EndpointUpdate,
    NewEndpoint,
    RotateSecret,
    SendTestEvent,
    ShowTaskSecret,
    UpdateEndpoint,
)
from kie_gateway.flows.events.retry_deliveries import (
    MOST_RECOVERED,
    RecoverDeliveries,
    Recovered,
    RetryDelivery,
)
from tests.fake_webhooks import FakeDeliveries, FakeDeliveryQueue, FakeEndpoints
from tests.fakes import Clock, FakeTaskStore
from tests.makers import NOW, seconds

SIGNING_SECRET = "the signing secret of the deployment"
URL = "https://hooks.example/kie"


class World:
    """The flows on fakes."""

    def __init__(self) -> None:
        ids = count()
        self.clock = Clock()
        self.endpoints = FakeEndpoints()
        self.tasks = FakeTaskStore()
        self.deliveries = FakeDeliveries(self.clock.now, self.tasks.events)
        self.queue = FakeDeliveryQueue()
        self.is_time_left: Callable[[], bool] = lambda: True
        check, now = CheckAddress(webhook_hosts("")), self.clock.now
        self.create = CreateEndpoint(
            self.endpoints, check, self.secret, lambda: f"we_{next(ids):026d}", now
        )
        self.update = UpdateEndpoint(self.endpoints, check, now)
        self.rotate = RotateSecret(self.endpoints, self.secret, now)
        self.test = SendTestEvent(self.deliveries, self.queue, lambda: f"evt_{next(ids)}", now)
        self.show = ShowTaskSecret(self.endpoints, self.secret)
        self.retry = RetryDelivery(self.endpoints, self.deliveries, self.queue, now)
        self.recover = RecoverDeliveries(
            self.endpoints, self.deliveries, self.queue, now, self.has_time
        )

    def secret(self) -> str:
        return SIGNING_SECRET

    def has_time(self) -> bool:
        return self.is_time_left()

    def endpoint(self, **more: Any) -> Endpoint:
        return self.create(NewEndpoint("alice", URL, **more)).endpoint

    def disable(self, endpoint: Endpoint, reason: DisabledReason) -> Endpoint:
        return self.there(
            self.endpoints.move(endpoint, lambda one: disabled(one, reason, NOW), NOW)
        )

    def there(self, endpoint: Endpoint | None) -> Endpoint:
        assert endpoint is not None
        found = self.endpoints.get(endpoint.owner, endpoint.endpoint_id)
        assert found is not None
        return found

    def failed(self, endpoint_id: str, number: int, after: float = 0) -> Delivery:
        """Keep a delivery that has failed."""
        at = NOW + seconds(after)
        event = Event(f"evt_{number}", EventType.TASK_FAILED, at, "alice", "task_1", {})
        delivery = given_up(new_delivery(event, endpoint_id), Trouble.TIMEOUT)
        return self.deliveries.create(delivery)


@pytest.fixture
def world() -> World:
    return World()


# --- ids and secrets ----------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint_id", ["we_01kjd3x7h8000000000000000a", PER_TASK])
@pytest.mark.parametrize("event_id", ["evt_01kjd3x7h8_7", "evt_0f_12", "evt_01kjd_completed"])
def test_an_id_of_a_delivery_says_where_it_lies(endpoint_id: str, event_id: str) -> None:
    at = NOW + timedelta(milliseconds=123, microseconds=999)
    place = DeliveryPlace(endpoint_id, 1772366400123, event_id.removeprefix("evt_"))
    assert delivery_place(delivery_id(endpoint_id, event_id, at)) == place


@pytest.mark.parametrize(
    "text",
    ["", "dlv_", "dlv__1_a", "dlv_WE_1_a", "dlv_per-task_1_", "dlv_per-task_\u0661_a", "we_1"],
)
def test_other_texts_are_no_ids_of_deliveries(text: str) -> None:
    assert delivery_place(text) is None


def test_secrets_differ_by_endpoint_number_owner_and_deployment(world: World) -> None:
    one, other = world.endpoint(), world.endpoint()
    found = [
        newest_secret(SIGNING_SECRET, "alice", one),
        newest_secret(SIGNING_SECRET, "alice", other),
        newest_secret(SIGNING_SECRET, "alice", rotated(one, NOW)),
        newest_secret("another", "alice", one),
        newest_secret(SIGNING_SECRET, "alice", None),
        newest_secret(SIGNING_SECRET, "bob", None),
    ]
    assert len(set(found)) == len(found)


def test_after_a_rotation_both_secrets_sign_for_a_day(world: World) -> None:
    endpoint = world.endpoint()

    def signing(after: timedelta) -> list[str]:
        return list(signing_secrets(SIGNING_SECRET, "alice", world.there(endpoint), NOW + after))

    [old] = signing(timedelta(0))
    new = world.rotate("alice", endpoint.endpoint_id).secret
    assert signing(timedelta(0)) == [new, old]
    assert signing(ROTATION - seconds(1)) == [new, old]
    assert signing(ROTATION) == [new]


def test_the_secret_of_tasks_webhooks_is_shown_until_it_is_rotated(world: World) -> None:
    shown = world.show("alice")
    assert shown is not None
    assert [shown] == list(signing_secrets(SIGNING_SECRET, "alice", None, NOW))
    issued = world.rotate("alice", PER_TASK)
    assert world.show("alice") is None
    kept = world.endpoints.get("alice", PER_TASK)
    assert list(signing_secrets(SIGNING_SECRET, "alice", kept, NOW)) == [issued.secret, shown]
    assert world.show("bob") not in (None, shown)
    again = world.rotate("alice", PER_TASK)
    assert list(signing_secrets(SIGNING_SECRET, "alice", again.endpoint, NOW)) == [
        again.secret,
        issued.secret,
    ]


def test_who_has_begun_to_rotate_and_died_has_rotated_nothing(world: World) -> None:
    shown = world.show("alice")
    world.endpoints.create(Endpoint(PER_TASK, "alice", url="", created_at=NOW))
    assert world.show("alice") == shown
    assert world.rotate("alice", PER_TASK).endpoint.secret_number == 2


# --- endpoints ----------------------------------------------------------------------------------


def test_no_more_endpoints_are_made_than_an_owner_may_have(world: World) -> None:
    made = [world.endpoint() for _ in range(MOST_ENDPOINTS)]
    world.rotate("alice", PER_TASK)
    with pytest.raises(TooManyEndpointsError, match=str(MOST_ENDPOINTS)):
        world.endpoint()
    world.endpoints.delete("alice", made[0].endpoint_id)
    world.endpoint()
    world.create(NewEndpoint("bob", URL))


def test_types_are_kept_once_in_the_order_they_were_given(world: World) -> None:
    types = [EventType.TASK_FAILED, EventType.TASK_RUNNING, EventType.TASK_FAILED]
    endpoint = world.endpoint(events=types)
    assert endpoint.events == (EventType.TASK_FAILED, EventType.TASK_RUNNING)
    assert world.update(endpoint, EndpointUpdate(events=())).events == ()


def test_an_update_changes_what_it_names_and_nothing_else(world: World) -> None:
    endpoint = world.endpoint(description="orders")
    assert world.update(endpoint, EndpointUpdate()) == endpoint
    updated = world.update(endpoint, EndpointUpdate(description=""))
    assert updated == replace(endpoint, description="", version=2)
    assert world.there(endpoint) == updated


def test_a_new_address_is_not_blamed_for_the_old_one(world: World) -> None:
    endpoint = world.endpoint()
    failing = world.endpoints.move(
        endpoint, lambda one: replace(one, failing_since=NOW, pauses=3, paused_until=NOW), NOW
    )
    assert failing is not None
    same = world.update(failing, EndpointUpdate(url=URL))
    assert same.failing_since == NOW
    moved = world.update(failing, EndpointUpdate(url="https://new.example/"))
    assert (moved.url, moved.failing_since, moved.pauses) == ("https://new.example/", None, 0)


def test_an_address_that_is_not_delivered_to_is_refused_by_name(world: World) -> None:
    endpoint, url = world.endpoint(), "https://10.0.0.7/"
    calls: list[Callable[[], object]] = [
        lambda: world.create(NewEndpoint("alice", url)),
        lambda: world.update(endpoint, EndpointUpdate(url=url)),
    ]
    for call in calls:
        with pytest.raises(InvalidRequestError) as refused:
            call()
        assert [fault.pointer for fault in refused.value.faults] == ["/url"]
    assert list(world.endpoints.of_owner("alice")) == [endpoint]


def test_an_owner_disables_and_enables(world: World) -> None:
    endpoint = world.endpoint()
    off = world.update(endpoint, EndpointUpdate(status=EndpointStatus.DISABLED))
    assert (off.disabled_reason, off.disabled_at) == (DisabledReason.BY_OWNER, NOW)
    assert world.update(off, EndpointUpdate(status=EndpointStatus.DISABLED)) == off
    on = world.update(off, EndpointUpdate(status=EndpointStatus.ENABLED))
    assert (on.is_enabled, on.disabled_reason, on.disabled_at) == (True, None, None)


def test_disabling_what_is_disabled_leaves_the_reason(world: World) -> None:
    gone = world.disable(world.endpoint(), DisabledReason.GONE)
    after = world.update(gone, EndpointUpdate(status=EndpointStatus.DISABLED))
    assert after.disabled_reason is DisabledReason.GONE


def test_what_is_deleted_meanwhile_is_not_found(world: World) -> None:
    endpoint = world.endpoint()
    world.endpoints.delete("alice", endpoint.endpoint_id)
    with pytest.raises(EndpointNotFoundError):
        world.update(endpoint, EndpointUpdate(description="x"))
    with pytest.raises(EndpointNotFoundError):
        world.rotate("alice", endpoint.endpoint_id)


def test_a_test_goes_to_its_endpoint_whatever_that_lists(world: World) -> None:
    endpoint = world.endpoint(events=[EventType.TASK_FAILED])
    world.endpoint()
    first, second = world.test(endpoint), world.test(endpoint)
    assert first.delivery_id != second.delivery_id
    assert world.queue.sent == [first, second]
    assert first.type is EventType.WEBHOOK_TEST
    assert first.endpoint_id == endpoint.endpoint_id
    assert f'"data":{{"endpoint_id":"{endpoint.endpoint_id}"}}' in (first.body or "")
    assert world.deliveries.get("alice", first.delivery_id) == first


# --- deliveries ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", list(DeliveryStatus))
def test_a_delivery_is_retried_whatever_became_of_it(world: World, status: DeliveryStatus) -> None:
    endpoint = world.endpoint()
    delivery = world.failed(endpoint.endpoint_id, 1)
    world.deliveries.put(replace(delivery, status=status, tries=4))
    world.clock.advance(60)
    again = world.retry("alice", delivery.delivery_id)
    assert (again.status, again.tries, again.beginnings) == (DeliveryStatus.PENDING, 0, 2)
    assert (again.trouble, again.next_at) == (None, NOW + seconds(60))
    assert world.queue.sent == [again]
    assert world.deliveries.get("alice", delivery.delivery_id) == again


def test_what_cannot_be_delivered_is_not_retried(world: World) -> None:
    endpoint = world.endpoint()
    delivery = world.failed(endpoint.endpoint_id, 1)
    for owner, one in (("alice", "dlv_1"), ("bob", delivery.delivery_id)):
        with pytest.raises(DeliveryNotFoundError):
            world.retry(owner, one)
    world.disable(endpoint, DisabledReason.FAILING)
    calls: list[Callable[[], object]] = [
        lambda: world.retry("alice", delivery.delivery_id),
        lambda: world.recover("alice", endpoint.endpoint_id, NOW),
    ]
    tests: list[Callable[[], object]] = [lambda: world.test(world.there(endpoint))]
    for call in calls + tests:
        with pytest.raises(EndpointDisabledError, match="enable it first"):
            call()
    world.endpoints.delete("alice", endpoint.endpoint_id)
    for call in calls:
        with pytest.raises(EndpointNotFoundError):
            call()
    assert world.queue.sent == []
    assert world.deliveries.get("alice", delivery.delivery_id) == delivery


def end(world: World, delivery: Delivery) -> tuple[DeliveryStatus, Trouble | None]:
    found = world.deliveries.get(delivery.owner, delivery.delivery_id)
    assert found is not None
    return found.status, found.trouble


def test_what_is_gone_with_its_task_is_neither_retried_nor_recovered(world: World) -> None:
    endpoint_id = world.endpoint().endpoint_id
    failed, pending, delivered = (world.failed(endpoint_id, number) for number in range(3))
    waiting = replace(pending, status=DeliveryStatus.PENDING, trouble=None, next_at=NOW)
    world.deliveries.put(waiting)
    world.deliveries.put(replace(delivered, status=DeliveryStatus.DELIVERED, trouble=None))
    world.tasks.delete_events("task_1")
    for one in (waiting, delivered):
        with pytest.raises(EventDeletedError):
            world.retry("alice", one.delivery_id)
    assert world.recover("alice", endpoint_id, NOW) == Recovered(0, has_more=False)
    ended = (DeliveryStatus.FAILED, Trouble.TASK_DELETED)
    assert [end(world, one) for one in (failed, pending)] == [ended, ended]
    assert end(world, delivered) == (DeliveryStatus.DELIVERED, None)
    assert world.queue.sent == []


def test_what_is_gone_with_its_task_hides_nothing_that_has_failed(world: World) -> None:
    endpoint_id = world.endpoint().endpoint_id
    left = world.failed(endpoint_id, 0)
    for number in range(1, MOST_RECOVERED + 1):
        one = world.failed(endpoint_id, number, after=number)
        world.deliveries.put(given_up(one, Trouble.TASK_DELETED))
    assert world.recover("alice", endpoint_id, NOW) == Recovered(1, has_more=False)
    assert [one.delivery_id for one in world.queue.sent] == [left.delivery_id]


def test_what_nobody_works_on_any_more_is_recovered(world: World) -> None:
    endpoint_id = world.endpoint().endpoint_id
    delivery = world.failed(endpoint_id, 1)

    def dies() -> None:
        raise BackendUnavailableError("SQS: not there")

    world.queue.before_sending = dies
    with pytest.raises(BackendUnavailableError):
        world.recover("alice", endpoint_id, NOW)
    world.queue.before_sending = lambda: None
    assert world.recover("alice", endpoint_id, NOW) == Recovered(0, has_more=False)
    world.clock.advance(3601)
    assert world.recover("alice", endpoint_id, NOW) == Recovered(1, has_more=False)
    assert [(one.delivery_id, one.beginnings) for one in world.queue.sent] == [
        (delivery.delivery_id, 3)
    ]


def test_what_another_has_begun_or_ended_meanwhile_is_left_alone(world: World) -> None:
    endpoint_id = world.endpoint().endpoint_id
    ended, begun = world.failed(endpoint_id, 1), world.failed(endpoint_id, 2)
    asked = count(1)

    def has_time() -> bool:
        # Once before the list is read, and then before anything is begun.
        if next(asked) == 2:
            world.deliveries.put(replace(ended, status=DeliveryStatus.DELIVERED))
            world.deliveries.put(begun_again(begun, NOW))
        return True

    world.is_time_left = has_time
    assert world.recover("alice", endpoint_id, NOW) == Recovered(0, has_more=False)
    assert world.queue.sent == []


def test_what_goes_to_a_tasks_own_address_needs_no_endpoint(world: World) -> None:
    delivery = world.failed(PER_TASK, 1)
    assert world.retry("alice", delivery.delivery_id).status is DeliveryStatus.PENDING
    world.failed(PER_TASK, 2)
    assert world.recover("alice", PER_TASK, NOW) == Recovered(1, has_more=False)


def test_all_that_failed_since_is_recovered_in_its_order(world: World) -> None:
    endpoint_id = world.endpoint().endpoint_id
    failed = [world.failed(endpoint_id, number, after=number) for number in range(130)]
    for number in (60, 61):
        world.deliveries.put(replace(failed[number], status=DeliveryStatus.DELIVERED))
    pending = replace(failed[70], status=DeliveryStatus.PENDING, tries=3)
    world.deliveries.put(pending)
    recovered = world.recover("alice", endpoint_id, NOW + seconds(10))
    assert recovered == Recovered(117, has_more=False)
    sent = [int(one.event_id.removeprefix("evt_")) for one in world.queue.sent]
    assert sent == [number for number in range(10, 130) if number not in (60, 61, 70)]
    assert {one.beginnings for one in world.queue.sent} == {2}
    assert world.deliveries.get("alice", pending.delivery_id) == pending
    assert world.recover("alice", endpoint_id, NOW) == Recovered(10, has_more=False)


def test_what_there_is_no_time_for_is_recovered_by_the_next_call(world: World) -> None:
    endpoint_id = world.endpoint().endpoint_id
    for number in range(45):
        world.failed(endpoint_id, number, after=number)
    times = iter([True, True, True, False])
    world.is_time_left = lambda: next(times)
    assert world.recover("alice", endpoint_id, NOW) == Recovered(20, has_more=True)
    world.is_time_left = lambda: False
    assert world.recover("alice", endpoint_id, NOW) == Recovered(0, has_more=True)
    world.is_time_left = lambda: True
    assert world.recover("alice", endpoint_id, NOW) == Recovered(25, has_more=False)
    assert len({one.event_id for one in world.queue.sent}) == 45


def test_one_call_recovers_no_more_than_fits_into_memory(world: World) -> None:
    endpoint_id = world.endpoint().endpoint_id
    for number in range(MOST_RECOVERED + 1):
        world.failed(endpoint_id, number, after=number)
    assert world.recover("alice", endpoint_id, NOW) == Recovered(MOST_RECOVERED, has_more=True)
    assert world.recover("alice", endpoint_id, NOW) == Recovered(1, has_more=False)


def test_a_retry_whose_message_is_not_taken_can_be_asked_for_again(world: World) -> None:
    endpoint = world.endpoint()
    delivery = world.failed(endpoint.endpoint_id, 1)

    def trouble() -> None:
        raise BackendUnavailableError("SQS: not there")

    world.queue.before_sending = trouble
    with pytest.raises(BackendUnavailableError):
        world.retry("alice", delivery.delivery_id)
    world.queue.before_sending = lambda: None
    again = world.retry("alice", delivery.delivery_id)
    assert (again.beginnings, world.queue.sent) == (3, [again])
