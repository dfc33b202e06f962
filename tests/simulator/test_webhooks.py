"""Webhooks: their bodies, signatures and retries, and every way in which they go wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from itertools import pairwise
from typing import Any

import pytest

from simulator.server import KieSimulator
from tests.simulator.support import HMAC_KEY, Client, Receiver, Webhook, eventually


def is_signed(webhook: Webhook, task_id: str) -> bool:
    timestamp = webhook.headers["x-webhook-timestamp"]
    assert abs(int(timestamp) - time.time()) < 5
    digest = hmac.new(HMAC_KEY.encode(), f"{task_id}.{timestamp}".encode(), hashlib.sha256)
    return base64.b64encode(digest.digest()).decode() == webhook.headers["x-webhook-signature"]


def deliveries(client: Client) -> list[tuple[str, int | None]]:
    return [(w["kind"], w["status"]) for w in client.sim("tasks")[0]["webhooks"]]


def test_the_webhook_of_a_success(client: Client, receiver: Receiver) -> None:
    task_id = client.create(url=receiver.url)
    webhook = receiver.wait()[0]
    assert webhook.path.endswith("/tok3n")
    assert webhook.headers["content-type"] == "application/json"
    body, data = webhook.json, webhook.json["data"]
    assert (body["code"], data["state"], data["taskId"]) == (200, "success", task_id)
    record = client.record(task_id)
    for name in ("model", "param", "resultJson", "failCode", "costTime", "completeTime"):
        assert data[name] == record[name]
    assert data["updateTime"] == data["completeTime"]
    assert data["creditsConsumed"] == 4
    eventually(lambda: deliveries(client) == [("true", 200)])


def test_the_webhook_of_a_failure_has_code_501(kie: Client, receiver: Receiver) -> None:
    kie.create("x [fail 422 bad words]", receiver.url)
    body = receiver.wait()[0].json
    assert body["code"] == 501
    assert (body["data"]["state"], body["data"]["resultJson"]) == ("fail", None)
    assert (body["data"]["failCode"], body["data"]["failMsg"]) == ("422", "bad words")


def test_the_signature_covers_task_and_time(kie: Client, receiver: Receiver) -> None:
    task_id = kie.create(url=receiver.url)
    assert is_signed(receiver.wait()[0], task_id)


def test_no_signature_without_a_key(receiver: Receiver) -> None:
    with KieSimulator(port=0, seconds=0) as sim, Client(sim.base_url) as client:
        client.create(url=receiver.url)
        assert not [name for name in receiver.wait()[0].headers if name.startswith("x-webhook")]


def test_no_webhook_without_a_url(client: Client) -> None:
    client.finished(client.create())
    assert deliveries(client) == []


def test_a_webhook_is_sent_again_with_growing_pauses(client: Client, receiver: Receiver) -> None:
    receiver.answers = [500, 404, 302]
    client.create(url=receiver.url)
    times = [webhook.at for webhook in receiver.wait(4)]
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses == sorted(pauses)
    assert pauses[0] >= 0.1
    eventually(lambda: deliveries(client) == [("true", n) for n in (500, 404, 302, 200)])


def test_a_webhook_is_given_up_after_three_retries(client: Client, receiver: Receiver) -> None:
    receiver.answers = [500] * 9
    client.create(url=receiver.url)
    receiver.wait(4)
    time.sleep(0.7)
    assert len(receiver.webhooks) == 4


def test_a_receiver_that_does_not_answer_in_time_gets_it_again(receiver: Receiver) -> None:
    receiver.delay_seconds = 0.6
    options: dict[str, Any] = {"webhook_timeout_seconds": 0.2, "retry_pauses_seconds": (0.1,)}
    with KieSimulator(port=0, seconds=0, **options) as sim, Client(sim.base_url) as client:
        client.create(url=receiver.url)
        receiver.wait(2)
        eventually(lambda: deliveries(client) == [("true", None)] * 2)


@pytest.mark.parametrize("url", ["no url", "http://127.0.0.1:1/x", "http://", "ftp://a.test/b"])
def test_a_url_that_leads_nowhere_does_no_harm(client: Client, url: str) -> None:
    client.finished(client.create(url=url))
    eventually(lambda: len(deliveries(client)) == 4)


def test_webhook_lost(kie: Client, receiver: Receiver) -> None:
    kie.finished(kie.create("x [webhook lost]", receiver.url))
    time.sleep(0.3)
    assert receiver.webhooks == []


def test_webhook_late(kie: Client, receiver: Receiver) -> None:
    record = kie.finished(kie.create("x [webhook late 0.6]", receiver.url))
    assert receiver.wait()[0].at - record["completeTime"] / 1000 >= 0.55


def test_webhook_early(client: Client, receiver: Receiver) -> None:
    receiver.delay_seconds = 0.2
    task_id = client.create("x [webhook early] [slow 9]", receiver.url)
    assert deliveries(client) == [("true", 200)]
    assert receiver.webhooks[0].json["data"]["taskId"] == task_id
    assert client.record(task_id)["state"] == "success"


def test_webhook_times_five(kie: Client, receiver: Receiver) -> None:
    receiver.delay_seconds = 0.6
    task_id = kie.create("x [webhook x5]", receiver.url)
    webhooks = receiver.wait(5)
    assert webhooks[-1].at - webhooks[0].at < 0.5
    assert len({webhook.body for webhook in webhooks}) == 1
    assert len({webhook.headers["x-webhook-signature"] for webhook in webhooks}) == 1
    assert is_signed(webhooks[0], task_id)
    time.sleep(0.3)
    assert len(receiver.webhooks) == 5


def test_webhook_forged_comes_before_the_true_one(client: Client, receiver: Receiver) -> None:
    task_id = client.create("x [webhook forged]", receiver.url)
    forged, true = receiver.wait(2)
    assert forged.path != true.path
    assert forged.path.rpartition("/")[0] == true.path.rpartition("/")[0]
    assert not is_signed(forged, task_id)
    assert is_signed(true, task_id)
    host = client.http.base_url.host
    assert host not in json.loads(forged.json["data"]["resultJson"])["resultUrls"][0]
    assert host in json.loads(true.json["data"]["resultJson"])["resultUrls"][0]
    eventually(lambda: deliveries(client) == [("forged", 200), ("true", 200)])


def test_a_forgery_comes_before_all_copies(kie: Client, receiver: Receiver) -> None:
    receiver.delay_seconds = 0.1
    kie.create("x [webhook forged] [webhook x3]", receiver.url)
    forged, *copies = receiver.wait(4)
    assert all(copy.at - forged.at >= 0.1 for copy in copies)


def test_webhook_unreadable(kie: Client, receiver: Receiver) -> None:
    task_id = kie.create("x [webhook unreadable]", receiver.url)
    webhook = receiver.wait()[0]
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(webhook.body)
    assert webhook.path.endswith("/tok3n")
    assert is_signed(webhook, task_id)
    time.sleep(0.3)
    assert len(receiver.webhooks) == 1


def test_dials_are_combined(kie: Client, receiver: Receiver) -> None:
    kie.create("[webhook x2] a kite [webhook late 0.3] [fail] [kite]", receiver.url)
    first, second = receiver.wait(2)
    assert first.body == second.body
    assert first.json["code"] == 501
    assert first.at - first.json["data"]["completeTime"] / 1000 >= 0.25
