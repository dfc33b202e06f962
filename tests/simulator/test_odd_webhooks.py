"""Webhooks that say too little, too much, something else, or come once more."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from simulator.signing import signature
from tests.simulator.support import HMAC_KEY, Client, Receiver, Webhook, eventually


def arrived(post: Receiver, name: str, count: int = 1) -> list[Webhook]:
    post.under(name, count)
    return post._at(name)


def is_signed_for(webhook: Webhook, task_id: str) -> bool:
    at = int(webhook.headers["x-webhook-timestamp"])
    return webhook.headers["x-webhook-signature"] == signature(task_id, at, HMAC_KEY)


def test_a_webhook_without_an_envelope(kie: Client, post: Receiver, name: str) -> None:
    task_id = kie.create("x [webhook flat]", post.at(name))
    [body] = post.under(name)
    assert body["taskId"] == task_id
    assert body["state"] == "success"
    assert not {"code", "msg", "data"} & set(body)


def test_a_flat_webhook_of_a_song_keeps_its_tracks(kie: Client, post: Receiver, name: str) -> None:
    song = {"prompt": "x [webhook flat]", "customMode": False, "instrumental": True, "model": "V5"}
    kie.start("/api/v1/generate", song, post.at(name))
    last = post.under(name, 3)[-1]
    assert set(last) == {"callbackType", "task_id", "data"}
    assert len(last["data"]) == 2


def test_a_webhook_for_a_task_that_nobody_knows(kie: Client, post: Receiver, name: str) -> None:
    task_id = kie.create("x [webhook other id]", post.at(name))
    [webhook] = arrived(post, name)
    other = webhook.json["data"]["taskId"]
    assert other != task_id
    assert is_signed_for(webhook, other)
    assert kie.poll(other)["code"] == 422


def test_an_id_at_the_top_can_be_another(kie: Client, post: Receiver, name: str) -> None:
    body = {"prompt": "x [webhook other id]", "videoUrl": "https://a.test/a.mp4"}
    task_id = kie.start("/api/v1/aleph/generate", body, post.at(name))
    [webhook] = arrived(post, name)
    assert webhook.json["taskId"] != task_id
    assert is_signed_for(webhook, webhook.json["taskId"])


@pytest.mark.parametrize(
    ("path", "body", "keys"),
    [
        (
            "/api/v1/gpt4o-image/generate",
            {"prompt": "x [webhook minimal]", "size": "1:1"},
            {"taskId"},
        ),
        (
            "/api/v1/runway/extend",
            {"taskId": "x", "prompt": "x [webhook minimal]", "quality": "720p"},
            {"task_id"},
        ),
    ],
)
def test_a_webhook_that_says_little(
    kie: Client, post: Receiver, name: str, path: str, body: dict[str, Any], keys: set[str]
) -> None:
    kie.start(path, body, post.at(name))
    assert set(post.under(name)[0]["data"]) == keys


def test_a_market_webhook_that_says_little(kie: Client, post: Receiver, name: str) -> None:
    kie.create("x [webhook minimal]", post.at(name))
    data = post.under(name)[0]["data"]
    assert set(data) == {"taskId", "model", "state", "param", "failCode", "failMsg"}


def test_links_to_another_host_in_the_webhook_alone(kie: Client, post: Receiver, name: str) -> None:
    task_id = kie.create("x [webhook hosts]", post.at(name))
    [webhook] = arrived(post, name)
    assert is_signed_for(webhook, task_id)
    [link] = json.loads(webhook.json["data"]["resultJson"])["resultUrls"]
    assert link.startswith("https://files.elsewhere.invalid/")
    assert kie.links(task_id)[0].startswith(str(kie.http.base_url))


def test_a_webhook_without_a_signature(kie: Client, post: Receiver, name: str) -> None:
    kie.create("x [webhook unsigned]", post.at(name))
    assert "x-webhook-signature" not in arrived(post, name)[0].headers


def test_a_webhook_signed_an_hour_ago(kie: Client, post: Receiver, name: str) -> None:
    task_id = kie.create("x [webhook stale]", post.at(name))
    [webhook] = arrived(post, name)
    assert is_signed_for(webhook, task_id)
    assert time.time() - int(webhook.headers["x-webhook-timestamp"]) > 3590


def test_a_webhook_that_comes_once_more(kie: Client, post: Receiver, name: str) -> None:
    kie.create("x [webhook again 0.4]", post.at(name))
    first, second = arrived(post, name, 2)
    assert first.body == second.body
    assert second.at - first.at > 0.3


def test_a_failure_with_another_code(kie: Client, post: Receiver, name: str) -> None:
    kie.create("x [fail] [webhook code 400]", post.at(name))
    assert post.under(name)[0]["code"] == 400


def test_an_upgrade_is_signed_for_the_task_that_it_upgrades(
    kie: Client, post: Receiver, name: str
) -> None:
    task_id = kie.start("/api/v1/veo/generate", {"prompt": "x [slow 0]"})
    kie.watch("/api/v1/veo/record-info", task_id, "successFlag", {1})
    kie.start("/api/v1/veo/get-4k-video", {"taskId": task_id}, post.at(name))
    assert is_signed_for(arrived(post, name)[0], task_id)


def test_the_top_id_is_the_one_that_is_signed(kie: Client, post: Receiver, name: str) -> None:
    body = {"prompt": "x", "videoUrl": "https://a.test/a.mp4"}
    task_id = kie.start("/api/v1/aleph/generate", body, post.at(name))
    assert is_signed_for(arrived(post, name)[0], task_id)


def test_a_dial_for_what_comes_after(kie: Client, post: Receiver, name: str) -> None:
    song = {"prompt": "x [then webhook lost]", "customMode": False, "instrumental": True}
    task_id = kie.start("/api/v1/generate", {**song, "model": "V5"}, post.at(f"{name}a"))
    assert len(post.under(f"{name}a", 3)) == 3
    url = post.at(f"{name}b")
    wav = kie.start("/api/v1/wav/generate", {"taskId": task_id, "audioId": "x"}, url)
    kie.watch("/api/v1/wav/record-info", wav, "successFlag", {"SUCCESS"})
    assert post._at(f"{name}b") == []


def test_a_failed_callback_of_luma_is_a_flag(kie: Client) -> None:
    body = {"prompt": "x", "videoUrl": "https://a.test/a.mp4"}
    path = "/api/v1/modify/record-info"
    for more, has_links in (("[callback exception]", True), ("[callback exception empty]", False)):
        asked = {**body, "prompt": f"x {more}"}
        task_id = kie.start("/api/v1/modify/generate", asked)
        record = kie.watch(path, task_id, "successFlag", {4})[-1]
        assert (record["response"] is not None) == has_links
    task_id = kie.start("/api/v1/modify/generate", body, "http://127.0.0.1:1/x")
    assert kie.watch(path, task_id, "successFlag", {4})[-1]["response"]["resultUrls"]


def test_a_song_is_told_of_before_its_end_only_where_it_takes_time(
    kie: Client, post: Receiver, name: str
) -> None:
    song = {"prompt": "x [webhook early]", "customMode": False, "instrumental": True, "model": "V5"}
    kie.start("/api/v1/generate", song, post.at(name))
    assert [body["data"]["callbackType"] for body in post.under(name)] == ["complete"]
    eventually(lambda: kie.sim("tasks"))
