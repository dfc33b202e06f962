"""Webhook endpoints over HTTP: each call and each refusal, and that no secret is read later."""

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

import httpx
import pytest

from kie_gateway.aws.delivery_table import DeliveryTable
from kie_gateway.aws.endpoint_table import EndpointTable
from kie_gateway.core.events.delivery import Attempt, Delivery, Trouble, after_attempt, given_up
from kie_gateway.core.events.endpoint import MOST_ENDPOINTS, DisabledReason, disabled
from kie_gateway.core.events.event import Event
from kie_gateway.core.events.event_type import EventType
from kie_gateway.core.events.new_delivery import new_delivery
from kie_gateway.core.events.task_webhook import PER_TASK
from kie_gateway.core.events.webhook_secret import signing_secrets
from tests.functional.owner import Owner
from tests.functional.world import World

URL = "https://hooks.example/kie"
# The template's parameter lists it, so that it may be private and speak plain http.
LISTED = "hooks.internal:8080"
ENDPOINTS = "/v1/webhook-endpoints"
NOBODYS = "we_01kjd3x7h8000000000000000z"
_numbers = count(1)


@pytest.fixture(scope="module")
def whole_world() -> Iterator[World]:
    with World(parameters={"WebhookHosts": LISTED}) as world:
        yield world


def new(owner: Owner, **more: Any) -> dict[str, Any]:
    """Create an endpoint."""
    answer = owner.http.post(ENDPOINTS, json={"url": URL, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def without_secret(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name != "secret"}


def faults(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {one["pointer"]: one["detail"] for one in answer.json()["errors"]}


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def tables(world: World) -> tuple[EndpointTable, DeliveryTable]:
    client, name = world.cloud.client("dynamodb"), world.cloud.resources["TaskTable"]
    return EndpointTable(client, name), DeliveryTable(client, name, world.agenda.now)


def secrets_that_sign(owner: Owner, endpoint_id: str) -> list[str]:
    """Name what DeliverFunction signs with."""
    cloud = owner.world.cloud
    secret = cloud.client("secretsmanager").get_secret_value(
        SecretId=cloud.resources["SigningSecret"]
    )["SecretString"]
    endpoint = tables(owner.world)[0].get(owner.name, endpoint_id)
    return list(signing_secrets(secret, owner.name, endpoint, owner.world.agenda.now()))


def keep(owner: Owner, endpoint_id: str, *, fails: bool = True) -> Delivery:
    """Keep a delivery that was tried once, and has failed."""
    now = owner.world.agenda.now()
    data = {"prompt": "what only receivers see"}
    event = Event(f"evt_{next(_numbers)}", EventType.TASK_FAILED, now, owner.name, "task_1", data)
    delivery = new_delivery(event, endpoint_id)
    attempt = Attempt(now, 15000, None, Trouble.TIMEOUT)
    tried = after_attempt(delivery, attempt, [], 0) if fails else delivery
    return tables(owner.world)[1].create(tried)


def queued(world: World) -> list[dict[str, str]]:
    """Take what was handed to the delivery queue."""
    sqs, url = world.cloud.client("sqs"), world.cloud.resources["DeliveryQueue"]
    found: list[dict[str, str]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


# --- endpoints ----------------------------------------------------------------------------------


def test_an_endpoint_is_created_with_a_secret_that_signs_for_it(owner: Owner) -> None:
    body = {"url": URL, "events": ["task.succeeded", "webhook.disabled"], "description": "orders"}
    answer = owner.http.post(ENDPOINTS, json=body)
    assert answer.status_code == 201
    made = answer.json()
    now = datetime.fromisoformat(made.pop("created_at"))
    assert abs((now - owner.world.agenda.now()).total_seconds()) < 1
    secret, endpoint_id = made.pop("secret"), made.pop("id")
    assert made == {
        "object": "webhook_endpoint",
        **body,
        "status": "enabled",
        "disabled_reason": None,
        "disabled_at": None,
        "failing_since": None,
    }
    assert answer.headers["location"].endswith(f"{ENDPOINTS}/{endpoint_id}")
    assert answer.headers["cache-control"] == "no-store"
    assert secret.startswith("whsec_")
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64
    assert secrets_that_sign(owner, endpoint_id) == [secret]


def test_endpoints_are_read_and_listed_oldest_first_without_secrets(owner: Owner) -> None:
    assert owner.http.get(ENDPOINTS).json()["data"] == []
    made = [new(owner), new(owner, events=["task.failed"])]
    owner.http.post(f"{ENDPOINTS}/{PER_TASK}/rotate-secret").raise_for_status()
    shown = [without_secret(one) for one in made]
    assert owner.http.get(ENDPOINTS).json() == {
        "object": "list",
        "data": shown,
        "has_more": False,
        "next_cursor": None,
    }
    read = [owner.http.get(f"{ENDPOINTS}/{one['id']}").json() for one in made]
    assert read == shown


def test_endpoints_are_listed_page_by_page(owner: Owner) -> None:
    made = [new(owner)["id"] for _ in range(3)]
    first = owner.http.get(ENDPOINTS, params={"limit": 2}).json()
    assert ([one["id"] for one in first["data"]], first["has_more"]) == (made[:2], True)
    params = {"limit": 2, "cursor": first["next_cursor"]}
    last = owner.http.get(ENDPOINTS, params=params).json()
    assert ([one["id"] for one in last["data"]], last["has_more"]) == (made[2:], False)
    assert last["next_cursor"] is None
    assert list(faults(owner.http.get(ENDPOINTS, params={"cursor": "x"}))) == ["/cursor"]


def test_no_more_endpoints_than_allowed(owner: Owner) -> None:
    made = [new(owner) for _ in range(MOST_ENDPOINTS)]
    answer = owner.http.post(ENDPOINTS, json={"url": URL})
    assert refused(answer) == (409, "too_many_webhook_endpoints")
    assert str(MOST_ENDPOINTS) in answer.json()["detail"]
    owner.http.delete(f"{ENDPOINTS}/{made[0]['id']}").raise_for_status()
    new(owner)


@pytest.mark.parametrize(
    "url",
    [f"http://{LISTED}/kie", f"https://{LISTED}/kie", "https://hooks.example:8443/?a=b"],
)
def test_addresses_that_are_delivered_to(owner: Owner, url: str) -> None:
    assert new(owner, url=url)["url"] == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hooks.example/", "must be an https address"),
        ("http://hooks.internal:8081/", "must be an https address"),
        ("https://10.0.0.7/", "private"),
        ("https://[::1]/", "private"),
        ("https://localhost/", "private"),
        ("https://me:pw@hooks.example/", "user name"),
        ("https://hooks.example/#x", "fragment"),
        ("hooks.example", "https"),
        ("", "at least 1 character"),
        (f"https://hooks.example/{'x' * 2048}", "at most 2048"),
    ],
)
def test_addresses_that_are_not_delivered_to_are_refused_by_name(
    owner: Owner, url: str, words: str
) -> None:
    endpoint = new(owner)
    path = f"{ENDPOINTS}/{endpoint['id']}"
    for answer in (
        owner.http.post(ENDPOINTS, json={"url": url}),
        owner.http.patch(path, json={"url": url}),
    ):
        found = faults(answer)
        assert list(found) == ["/url"]
        assert words in found["/url"]
    assert owner.http.get(path).json()["url"] == URL
    answer = owner.http.post("/v1/tasks", json=task(url=url))
    assert list(faults(answer)) == ["/webhook/url"]


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({}, "/url", "required"),
        ({"url": URL, "events": ["task.done"]}, "/events/0", "'task.succeeded'"),
        ({"url": URL, "events": "task.failed"}, "/events", "list"),
        ({"url": URL, "events": None}, "/events", "list"),
        ({"url": URL, "description": "x" * 201}, "/description", "at most 200"),
        ({"url": URL, "secret": "whsec_mine"}, "/secret", ""),
        ({"url": URL, "status": "disabled"}, "/status", ""),
    ],
)
def test_what_is_wrong_with_a_new_endpoint_is_named(
    owner: Owner, body: dict[str, Any], pointer: str, words: str
) -> None:
    found = faults(owner.http.post(ENDPOINTS, json=body))
    assert list(found) == [pointer]
    assert words in found[pointer]
    assert "whsec_mine" not in str(found)


def test_an_update_changes_what_is_sent_and_nothing_else(owner: Owner) -> None:
    endpoint = without_secret(new(owner, events=["task.failed"], description="orders"))
    path = f"{ENDPOINTS}/{endpoint['id']}"
    changes: list[dict[str, Any]] = [
        *({}, {"events": []}, {"url": "https://new.example/"}, {"description": "x"})
    ]
    for change in changes:
        answer = owner.http.patch(path, json=change)
        endpoint |= change
        assert (answer.status_code, answer.json()) == (200, endpoint)
    assert owner.http.get(path).json() == endpoint


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"status": "paused"}, "/status"),
        ({"url": None}, "/url"),
        ({"events": ["x"]}, "/events/0"),
        ({"disabled_reason": "gone"}, "/disabled_reason"),
    ],
)
def test_an_update_that_cannot_be_is_refused_by_name(
    owner: Owner, change: dict[str, Any], pointer: str
) -> None:
    path = f"{ENDPOINTS}/{new(owner)['id']}"
    before = owner.http.get(path).json()
    assert list(faults(owner.http.patch(path, json=change))) == [pointer]
    assert owner.http.get(path).json() == before


def test_an_owner_disables_an_endpoint_and_enables_it_again(owner: Owner) -> None:
    path = f"{ENDPOINTS}/{new(owner)['id']}"
    off = owner.http.patch(path, json={"status": "disabled"}).json()
    assert (off["status"], off["disabled_reason"]) == ("disabled", "by_owner")
    assert off["disabled_at"] is not None
    on = owner.http.patch(path, json={"status": "enabled"}).json()
    assert [on[name] for name in ("status", "disabled_reason", "disabled_at")] == [
        *("enabled", None, None)
    ]


def test_what_was_disabled_by_failing_says_so_and_is_enabled_by_its_owner(owner: Owner) -> None:
    endpoint_id = new(owner)["id"]
    endpoints, _ = tables(owner.world)
    endpoint, now = endpoints.get(owner.name, endpoint_id), owner.world.agenda.now()
    assert endpoint is not None
    failing = replace(endpoint, failing_since=now)
    endpoints.move(endpoint, lambda _: disabled(failing, DisabledReason.FAILING, now), now)
    path = f"{ENDPOINTS}/{endpoint_id}"
    shown = owner.http.get(path).json()
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "failing")
    assert shown["failing_since"] is not None
    again = owner.http.patch(path, json={"status": "enabled"}).json()
    assert (again["status"], again["failing_since"]) == ("enabled", None)


def test_a_deleted_endpoint_is_gone(owner: Owner) -> None:
    path = f"{ENDPOINTS}/{new(owner)['id']}"
    assert owner.http.delete(path).status_code == 204
    for answer in (
        owner.http.get(path),
        owner.http.delete(path),
        owner.http.patch(path, json={"description": "x"}),
        owner.http.post(f"{path}/rotate-secret"),
        owner.http.post(f"{path}/test"),
        owner.http.get(f"{path}/deliveries"),
        owner.http.post(f"{path}/recover", json={"since": "2026-03-01T12:00:00Z"}),
    ):
        assert refused(answer) == (404, "webhook_endpoint_not_found")
    assert owner.http.get(ENDPOINTS).json()["data"] == []


@pytest.mark.parametrize("endpoint_id", [NOBODYS, "we_1", "x", "x" * 2000, "we_" + "Z" * 26])
def test_ids_that_were_never_given_out_are_not_found(owner: Owner, endpoint_id: str) -> None:
    for method, more in (
        *(("GET", ""), ("DELETE", ""), ("GET", "/deliveries")),
        *(("POST", "/rotate-secret"), ("POST", "/test")),
    ):
        answer = owner.http.request(method, f"{ENDPOINTS}/{endpoint_id}{more}")
        assert refused(answer) == (404, "webhook_endpoint_not_found"), (method, more)


def test_another_owner_neither_sees_nor_changes_an_endpoint(owner: Owner, bob: Any) -> None:
    endpoint = new(owner, description="for the owner alone")
    delivery = keep(owner, endpoint["id"])
    path = f"{ENDPOINTS}/{endpoint['id']}"
    calls = [
        ("GET", path, None),
        ("PATCH", path, {"description": "mine"}),
        ("DELETE", path, None),
        ("POST", f"{path}/rotate-secret", None),
        ("POST", f"{path}/test", None),
        ("GET", f"{path}/deliveries", None),
        ("POST", f"{path}/recover", {"since": "2026-03-01T12:00:00Z"}),
        ("POST", f"/v1/deliveries/{delivery.delivery_id}/retry", None),
    ]
    for method, where, body in calls:
        answer = bob.request(method, where, json=body)
        assert answer.status_code == 404, where
        nobodys = bob.request(
            method,
            where.replace(endpoint["id"], NOBODYS).replace(endpoint["id"][3:], NOBODYS[3:]),
            json=body,
        )
        for one in (answer, nobodys):
            assert "owner alone" not in one.text
        assert answer.json()["detail"] == nobodys.json()["detail"]
        assert bob.request(method, where, params={"owner": owner.name}, json=body).status_code in (
            *(403, 404),
        )
    assert bob.get(ENDPOINTS).json()["data"] == []
    assert bob.get(ENDPOINTS, params={"owner": owner.name}).status_code == 403
    assert owner.http.get(path).json() == without_secret(endpoint)
    assert queued(owner.world) == []


def test_an_admin_reaches_an_endpoint_by_naming_its_owner(owner: Owner) -> None:
    endpoint = new(owner)
    path, named = f"{ENDPOINTS}/{endpoint['id']}", {"owner": owner.name}
    assert owner.admin.get(path).status_code == 404
    assert owner.admin.get(path, params=named).json() == without_secret(endpoint)
    assert owner.admin.get(ENDPOINTS, params=named).json()["data"] == [without_secret(endpoint)]
    change = {"status": "disabled"}
    assert owner.admin.patch(path, params=named, json=change).json()["status"] == "disabled"


# --- secrets ------------------------------------------------------------------------------------


def test_a_rotation_shows_a_new_secret_and_both_sign_for_a_day(owner: Owner) -> None:
    endpoint = new(owner)
    answer = owner.http.post(f"{ENDPOINTS}/{endpoint['id']}/rotate-secret")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    rotated = answer.json()
    assert without_secret(rotated) == without_secret(endpoint)
    assert secrets_that_sign(owner, endpoint["id"]) == [rotated["secret"], endpoint["secret"]]
    owner.world.run_for(86_401)
    assert secrets_that_sign(owner, endpoint["id"]) == [rotated["secret"]]


def test_the_secret_of_tasks_is_rotated_without_ever_having_been_created(owner: Owner) -> None:
    [first] = secrets_that_sign(owner, PER_TASK)
    rotated = owner.http.post(f"{ENDPOINTS}/{PER_TASK}/rotate-secret").json()
    assert (rotated["id"], rotated["url"]) == (PER_TASK, None)
    assert secrets_that_sign(owner, PER_TASK) == [rotated["secret"], first]
    again = owner.http.post(f"{ENDPOINTS}/{PER_TASK}/rotate-secret").json()
    assert secrets_that_sign(owner, PER_TASK) == [again["secret"], rotated["secret"]]


def test_the_webhooks_of_tasks_are_no_endpoint(owner: Owner) -> None:
    owner.http.post(f"{ENDPOINTS}/{PER_TASK}/rotate-secret").raise_for_status()
    path = f"{ENDPOINTS}/{PER_TASK}"
    for method, where, body in (
        ("GET", path, None),
        ("PATCH", path, {"description": "x"}),
        ("DELETE", path, None),
        ("POST", f"{path}/test", None),
    ):
        answer = owner.http.request(method, where, json=body)
        assert refused(answer) == (404, "webhook_endpoint_not_found")
    assert len(secrets_that_sign(owner, PER_TASK)) == 2


def test_no_secret_is_read_later_nor_in_any_log(
    owner: Owner, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        endpoint = new(owner)
        path = f"{ENDPOINTS}/{endpoint['id']}"
        rotated = owner.http.post(f"{path}/rotate-secret").json()
        created = owner.http.post("/v1/tasks", json=task()).json()
        of_tasks = owner.http.post(f"{ENDPOINTS}/{PER_TASK}/rotate-secret").json()
        owner.http.post(f"{path}/test").raise_for_status()
        owner.world.run()
        seen = [
            owner.http.get(where).text
            for where in (
                *(path, ENDPOINTS, f"{path}/deliveries", f"{ENDPOINTS}/{PER_TASK}/deliveries"),
                *(f"/v1/tasks/{created['id']}", f"/v1/tasks/{created['id']}/events", "/v1/tasks"),
            )
        ]
        seen += [
            owner.http.patch(path, json={"description": "x"}).text,
            owner.http.post(f"/v1/tasks/{created['id']}/refresh").text,
            json.dumps(queued(owner.world)),
        ]
    captured = capsys.readouterr()
    seen += [caplog.text, captured.out, captured.err]
    secrets = [one["secret"] for one in (endpoint, rotated, created["webhook"], of_tasks)]
    assert len(set(secrets)) == 4
    for secret in secrets:
        key = secret.removeprefix("whsec_")
        assert [text for text in seen if key in text or "whsec_" in text] == []
        assert key not in str(owner.world._items())


# --- deliveries ---------------------------------------------------------------------------------


def test_a_test_is_one_delivery_that_waits_in_the_queue(owner: Owner) -> None:
    endpoint = new(owner, events=["task.failed"])
    other = new(owner)
    queued(owner.world)
    answer = owner.http.post(f"{ENDPOINTS}/{endpoint['id']}/test")
    assert answer.status_code == 202
    where = f"{ENDPOINTS}/{endpoint['id']}/deliveries"
    assert answer.headers["location"].endswith(where)
    delivery = answer.json()
    assert (delivery["object"], delivery["type"]) == ("delivery", "webhook.test")
    assert (delivery["status"], delivery["attempts"]) == ("pending", [])
    assert queued(owner.world) == [{"owner": owner.name, "delivery_id": delivery["id"]}]
    assert owner.http.get(where).json()["data"] == [delivery]
    assert owner.http.get(f"{ENDPOINTS}/{other['id']}/deliveries").json()["data"] == []
    again = owner.http.post(f"{ENDPOINTS}/{endpoint['id']}/test").json()
    assert again["event_id"] != delivery["event_id"]


def test_deliveries_are_listed_page_by_page_without_the_events(owner: Owner) -> None:
    endpoint_id = new(owner)["id"]
    kept = []
    for number in range(5):
        kept.append(keep(owner, endpoint_id, fails=number % 2 == 0))
        owner.world.run_for(1)
    path = f"{ENDPOINTS}/{endpoint_id}/deliveries"
    ids: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    for has_more in (True, True, False):
        page = owner.http.get(path, params=params).json()
        assert "what only receivers see" not in json.dumps(page)
        ids += [one["id"] for one in page["data"]]
        assert page["has_more"] is has_more
        params["cursor"] = page["next_cursor"]
    assert ids == [one.delivery_id for one in reversed(kept)]
    failed = owner.http.get(path, params={"status": "failed"}).json()["data"]
    assert [one["id"] for one in failed] == [kept[at].delivery_id for at in (4, 2, 0)]
    [attempt] = failed[0]["attempts"]
    attempt.pop("at")
    assert attempt == {"milliseconds": 15000, "status": None, "trouble": "timeout", "answer": ""}
    assert (failed[0]["trouble"], failed[0]["next_attempt_at"]) == ("timeout", None)


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"status": "lost"}, "/status"),
        ({"limit": 101}, "/limit"),
        ({"cursor": "x"}, "/cursor"),
        ({"cursor": base64.b64encode(b"after:dlv_x").decode().rstrip("=")}, "/cursor"),
        ({"state": "failed"}, "/state"),
    ],
)
def test_a_list_of_deliveries_that_cannot_be_is_refused(
    owner: Owner, params: dict[str, Any], pointer: str
) -> None:
    path = f"{ENDPOINTS}/{new(owner)['id']}/deliveries"
    assert list(faults(owner.http.get(path, params=params))) == [pointer]


def test_a_cursor_of_another_endpoint_leads_to_ones_own(owner: Owner) -> None:
    one, other = new(owner)["id"], new(owner)["id"]
    for endpoint_id in (one, one, other):
        keep(owner, endpoint_id)
        owner.world.run_for(1)
    page = owner.http.get(f"{ENDPOINTS}/{one}/deliveries", params={"limit": 1}).json()
    params = {"cursor": page["next_cursor"]}
    assert owner.http.get(f"{ENDPOINTS}/{other}/deliveries", params=params).json()["data"] == []


def test_a_failed_delivery_is_retried_at_once(owner: Owner) -> None:
    endpoint_id = new(owner)["id"]
    delivery = keep(owner, endpoint_id)
    queued(owner.world)
    owner.world.run_for(60)
    path = f"/v1/deliveries/{delivery.delivery_id}/retry"
    answer = owner.http.post(path)
    assert answer.status_code == 202
    assert answer.headers["location"].endswith(f"{ENDPOINTS}/{endpoint_id}/deliveries")
    shown = answer.json()
    assert (shown["id"], shown["event_id"]) == (delivery.delivery_id, delivery.event_id)
    assert (shown["status"], shown["trouble"]) == ("pending", None)
    assert len(shown["attempts"]) == 1
    assert shown["next_attempt_at"] is not None
    # Again within five minutes, which is a message of its own.
    owner.http.post(path).raise_for_status()
    named = {"owner": owner.name, "delivery_id": delivery.delivery_id}
    assert queued(owner.world) == [named, named]


@pytest.mark.parametrize("delivery_id", ["dlv_1", f"dlv_{NOBODYS[3:]}_1772366400000_1", "x"])
def test_a_delivery_that_is_not_there_is_not_retried(owner: Owner, delivery_id: str) -> None:
    answer = owner.http.post(f"/v1/deliveries/{delivery_id}/retry")
    assert refused(answer) == (404, "delivery_not_found")


def test_what_has_failed_is_recovered_and_the_rest_left_alone(owner: Owner) -> None:
    endpoint_id = new(owner)["id"]
    before = keep(owner, endpoint_id)
    owner.world.run_for(10)
    since = owner.world.agenda.now().isoformat()
    failed = []
    for _ in range(12):
        failed.append(keep(owner, endpoint_id))
        owner.world.run_for(1)
    keep(owner, endpoint_id, fails=False)
    queued(owner.world)
    path = f"{ENDPOINTS}/{endpoint_id}"
    answer = owner.http.post(f"{path}/recover", json={"since": since})
    assert answer.status_code == 202
    assert answer.json() == {"object": "recovery", "recovered": 12, "has_more": False}
    assert answer.headers["location"].endswith(f"{path}/deliveries")
    sent = [message["delivery_id"] for message in queued(owner.world)]
    assert sorted(sent) == sorted(one.delivery_id for one in failed)
    left = owner.http.get(f"{path}/deliveries", params={"status": "failed"}).json()["data"]
    assert [one["id"] for one in left] == [before.delivery_id]
    assert owner.http.post(f"{path}/recover", json={"since": since}).json()["recovered"] == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "required"),
        ({"since": None}, "RFC 3339"),
        ({"since": "yesterday"}, "RFC 3339"),
        ({"since": "2026-03-01"}, "RFC 3339"),
        ({"since": "2026-03-01T12:00:00"}, "RFC 3339"),
        ({"since": 1772366400}, "RFC 3339"),
    ],
)
def test_a_recovery_needs_a_moment(owner: Owner, body: dict[str, Any], words: str) -> None:
    path = f"{ENDPOINTS}/{new(owner)['id']}/recover"
    found = faults(owner.http.post(path, json=body))
    assert list(found) == ["/since"]
    assert words in found["/since"]


def test_nothing_is_sent_to_a_disabled_endpoint(owner: Owner) -> None:
    endpoint_id = new(owner)["id"]
    delivery, path = keep(owner, endpoint_id), f"{ENDPOINTS}/{endpoint_id}"
    owner.http.patch(path, json={"status": "disabled"}).raise_for_status()
    queued(owner.world)
    since = {"since": "2026-03-01T12:00:00Z"}
    for answer in (
        owner.http.post(f"{path}/test"),
        owner.http.post(f"{path}/recover", json=since),
        owner.http.post(f"/v1/deliveries/{delivery.delivery_id}/retry"),
    ):
        assert refused(answer) == (409, "webhook_endpoint_disabled")
    assert queued(owner.world) == []


def test_a_delivery_of_a_deleted_endpoint_is_not_retried(owner: Owner) -> None:
    endpoint_id = new(owner)["id"]
    delivery = keep(owner, endpoint_id)
    owner.http.delete(f"{ENDPOINTS}/{endpoint_id}").raise_for_status()
    answer = owner.http.post(f"/v1/deliveries/{delivery.delivery_id}/retry")
    assert refused(answer) == (404, "webhook_endpoint_not_found")


def test_the_webhooks_of_tasks_are_listed_retried_and_recovered_under_one_name(
    owner: Owner,
) -> None:
    tables_of = tables(owner.world)[1]
    delivery = given_up(replace(keep(owner, PER_TASK), url=URL), Trouble.UNREACHABLE)
    tables_of.put(delivery)
    path = f"{ENDPOINTS}/{PER_TASK}"
    [shown] = owner.http.get(f"{path}/deliveries").json()["data"]
    assert shown["id"] == delivery.delivery_id
    retry = owner.http.post(f"/v1/deliveries/{delivery.delivery_id}/retry")
    assert retry.json()["status"] == "pending"
    recovery = owner.http.post(f"{path}/recover", json={"since": shown["created_at"]})
    assert recovery.json()["recovered"] == 0


# --- webhooks of single tasks -------------------------------------------------------------------


def task(**webhook: Any) -> dict[str, Any]:
    return {
        "model": "google/nano-banana",
        "input": {"prompt": "a kite"},
        "webhook": {"url": URL, **webhook},
    }


def test_a_task_shows_its_webhook_and_its_creation_the_secret(owner: Owner) -> None:
    answer = owner.http.post("/v1/tasks", json=task(events=["task.failed", "task.failed"]))
    assert answer.status_code == 202
    assert answer.headers["cache-control"] == "no-store"
    created = answer.json()
    webhook = {"url": URL, "events": ["task.failed"]}
    secret = created["webhook"].pop("secret")
    assert created["webhook"] == webhook
    assert secrets_that_sign(owner, PER_TASK) == [secret]
    assert owner.http.get(f"/v1/tasks/{created['id']}").json()["webhook"] == webhook
    [listed] = owner.http.get("/v1/tasks").json()["data"]
    assert listed["webhook"] == webhook
    owner.world.run()


def test_a_task_without_a_webhook_shows_none(owner: Owner) -> None:
    answer = owner.ask()
    assert answer.json()["webhook"] is None
    assert answer.headers["cache-control"] == "private, no-cache"
    owner.world.run()


def test_the_same_key_shows_the_secret_again_and_another_webhook_is_another_request(
    owner: Owner,
) -> None:
    headers = {"Idempotency-Key": "order-7"}
    first, second = (owner.http.post("/v1/tasks", json=task(), headers=headers) for _ in range(2))
    assert second.headers["idempotent-replayed"] == "true"
    assert first.json()["webhook"]["secret"] == second.json()["webhook"]["secret"] is not None
    other = owner.http.post("/v1/tasks", json=task(events=["task.failed"]), headers=headers)
    assert refused(other) == (422, "idempotency_key_reused")
    owner.world.run()


def test_once_rotated_only_the_rotation_shows_the_secret(owner: Owner) -> None:
    owner.http.post(f"{ENDPOINTS}/{PER_TASK}/rotate-secret").raise_for_status()
    waited = owner.http.post("/v1/tasks", json=task(), headers={"Prefer": "wait=25"})
    assert waited.json()["webhook"] == {"url": URL, "events": [], "secret": None}
    owner.world.run()


def test_children_and_items_of_batches_bring_webhooks_of_their_own(owner: Owner) -> None:
    child = {**task(events=["task.succeeded"]), "name": "next"}
    created = owner.http.post("/v1/tasks", json={**task(), "then": [child]}).json()
    batch = owner.http.post("/v1/batches", json={"items": [task(), owner_task()]}).json()
    owner.world.run()
    parent = owner.http.get(f"/v1/tasks/{created['id']}").json()
    made = owner.http.get(f"/v1/tasks/{parent['children'][0]['id']}").json()
    assert made["webhook"] == {"url": URL, "events": ["task.succeeded"]}
    found = owner.http.get("/v1/tasks", params={"batch_id": batch["id"]}).json()["data"]
    assert sorted(one["webhook"] is None for one in found) == [False, True]


def owner_task() -> dict[str, Any]:
    body = task()
    del body["webhook"]
    return body


def test_a_retry_keeps_the_webhook_and_shows_the_secret(owner: Owner) -> None:
    body = {**task(), "input": {"prompt": "[fail] a kite"}}
    failing = owner.http.post("/v1/tasks", json=body).json()
    owner.world.run()
    retried = owner.http.post(f"/v1/tasks/{failing['id']}/retry").json()
    assert retried["webhook"] == failing["webhook"]
    owner.world.run()


@pytest.mark.parametrize(
    ("webhook", "pointer", "words"),
    [
        ({"url": "https://10.0.0.7/"}, "/webhook/url", "private"),
        ({}, "/webhook/url", "required"),
        ({"url": URL, "events": ["task.done"]}, "/webhook/events/0", "'task.succeeded'"),
        ({"url": URL, "events": ["credits.low"]}, "/webhook/events/0", "task.succeeded"),
        ({"url": URL, "secret": "x"}, "/webhook/secret", ""),
        ("https://hooks.example/", "/webhook", ""),
    ],
)
def test_what_is_wrong_with_a_webhook_is_named_wherever_it_stands(
    owner: Owner, webhook: Any, pointer: str, words: str
) -> None:
    wrong = {**task(), "webhook": webhook}
    for path, body, place in (
        ("/v1/tasks", wrong, ""),
        ("/v1/tasks", {**task(), "then": [wrong]}, "/then/0"),
        ("/v1/tasks", {**task(), "with": [{**task(), "then": [wrong]}]}, "/with/0/then/0"),
        ("/v1/batches", {"items": [task(), wrong]}, "/items/1"),
        ("/v1/batches", {"item": wrong, "count": 2}, "/item"),
    ):
        found = faults(owner.http.post(path, json=body))
        assert list(found) == [f"{place}{pointer}"]
        assert words in found[f"{place}{pointer}"]
    assert owner.http.get("/v1/tasks").json()["data"] == []
