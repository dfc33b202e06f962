"""Webhooks to receivers that lie, stall, redirect and break off, on loopback sockets."""

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from kie_gateway.core.events.delivery import MOST_ANSWER_BYTES, Attempt, Trouble
from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.fetch import webhooks
from kie_gateway.fetch.client import GuardedClient
from kie_gateway.fetch.webhook_signature import sign_webhook
from kie_gateway.fetch.webhooks import HttpWebhookSender
from tests.contract.hostile_host import (
    Answer,
    FileHost,
    Resolve,
    dripped,
    host,
    ok,
    poured,
    redirect,
    reset,
    resolved_to,
    status,
)
from tests.makers import NOW

BODY = b'{"id":"evt_1"}'
SECRETS = [
    "whsec_" + "bmV3IHNlY3JldCBvZiAyNCBieXRlcyE=",
    "whsec_" + "b2xkIHNlY3JldCBvZiAyNCBieXRlcyE=",
]
TIMEOUTS = {"connect": 1.0, "read": 0.3, "write": 1.0}


def sender(listed: str, resolve: Resolve = socket.getaddrinfo) -> HttpWebhookSender:
    hosts = replace(ResultHosts.parse(listed), anywhere=False)
    return HttpWebhookSender(hosts, GuardedClient(hosts, timeouts=TIMEOUTS, resolve=resolve))


def send(receiver: FileHost, headers: Mapping[str, str] | None = None) -> Attempt:
    return sender(f"127.0.0.1:{receiver.port}")(receiver.url, BODY, headers or {}, NOW)


def answered(answer: Answer | bytes) -> Attempt:
    with host(answer) as receiver:
        return send(receiver)


@pytest.mark.parametrize("code", [200, 202, 204])
def test_a_receiver_has_it(code: int) -> None:
    attempt = answered(status(code))
    assert (attempt.status, attempt.trouble, attempt.is_delivered) == (code, None, True)
    assert attempt.at == NOW


def test_the_request_is_a_post_with_its_length_and_headers() -> None:
    with host(ok(b"thanks")) as receiver:
        send(receiver, {"webhook-id": "evt_1"})
        [request] = receiver.requests
    assert request.startswith("POST /file.bin?token=secret HTTP/1.1")
    fields = {
        line.partition(": ")[0].lower(): line.partition(": ")[2] for line in request.split("\r\n")
    }
    assert fields["content-length"] == str(len(BODY))
    assert fields["content-type"] == "application/json"
    assert fields["webhook-id"] == "evt_1"


def test_no_redirect_is_followed() -> None:
    with host(ok(b"here")) as elsewhere, host(redirect(elsewhere.url)) as receiver:
        attempt = send(receiver)
        assert (attempt.status, attempt.is_delivered, elsewhere.requests) == (302, False, [])


def test_the_beginning_of_an_answer_is_kept() -> None:
    attempt = answered(ok(b"no such user" + b"x" * 5000, status="404 Not Found"))
    assert attempt.answer.startswith("no such user")
    assert len(attempt.answer) == MOST_ANSWER_BYTES


def test_an_endless_answer_is_cut_off() -> None:
    attempt = answered(poured(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000))
    assert (attempt.status, len(attempt.answer)) == (200, MOST_ANSWER_BYTES)


def test_a_status_counts_although_the_body_never_comes() -> None:
    attempt = answered(dripped(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"", 0.1))
    assert (attempt.status, attempt.answer) == (200, "")


def test_half_a_character_is_no_trouble() -> None:
    assert answered(ok(b"\xff\xfe no")).answer == "\ufffd\ufffd no"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("9" * 400, 10**6),
    ],
)
def test_a_pause_is_read_in_both_ways(text: str, seconds: int | None) -> None:
    assert answered(status(429, f"Retry-After: {text}")).retry_after_seconds == seconds


def test_whoever_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "PATIENCE_SECONDS", 0.3)
    attempt = answered(lambda _: time.sleep(2))
    assert (attempt.status, attempt.trouble, attempt.let_wait) == (None, Trouble.TIMEOUT, True)
    assert attempt.milliseconds >= 300


def test_whoever_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "PATIENCE_SECONDS", 0.5)
    assert answered(dripped(b"HTTP/1.1 200", b" ")).trouble is Trouble.TIMEOUT


@pytest.mark.parametrize("answer", [reset(), reset(b"HTTP/1.1 2"), lambda _: None])
def test_a_connection_that_breaks_is_no_answer(answer: Answer) -> None:
    attempt = answered(answer)
    assert (attempt.status, attempt.trouble) == (None, Trouble.UNREACHABLE)


def test_nobody_listens() -> None:
    with host(ok(b"")) as receiver:
        pass
    assert send(receiver).trouble is Trouble.UNREACHABLE


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/hook",
        "https://127.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "https://user:secret@receiver.test/hook",
        "ftp://receiver.test/hook",
    ],
)
def test_an_address_that_is_not_public_is_not_asked(url: str) -> None:
    attempt = sender("receiver.test")(url, BODY, {}, NOW)
    assert attempt.trouble is Trouble.REFUSED_ADDRESS
    assert "secret" not in attempt.answer


def test_a_name_that_leads_inside_is_not_asked() -> None:
    with host(ok(b"")) as receiver:
        reached = sender("receiver.test", resolved_to("10.0.0.1"))(
            "https://receiver.test/hook", BODY, {}, NOW
        )
        assert (reached.trouble, receiver.requests) == (Trouble.REFUSED_ADDRESS, [])


def signed(**changes: Any) -> dict[str, str]:
    facts = {"secrets": SECRETS, "event_id": "evt_1", "at": NOW, "body": BODY.decode(), **changes}
    return sign_webhook(**facts)


@pytest.fixture
def verifying_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify as of the moment at which the webhooks of these tests are sent."""

    class Then:
        timedelta = timedelta

        @staticmethod
        def now(**_: object) -> Any:
            return NOW

        fromtimestamp = type(NOW).fromtimestamp

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Then)


@pytest.mark.usefixtures("verifying_now")
@pytest.mark.parametrize("secret", SECRETS)
def test_a_receiver_verifies_by_the_new_and_the_old_secret(secret: str) -> None:
    assert Webhook(secret).verify(BODY, signed()) == json.loads(BODY)


@pytest.mark.usefixtures("verifying_now")
@pytest.mark.parametrize(
    "changes",
    [
        {"body": '{"id":"evt_2"}'},
        {"event_id": "evt_2"},
        {"at": NOW - timedelta(minutes=6)},
        {"secrets": ["whsec_" + "c29tZWJvZHkgZWxzZSdzIHNlY3JldCE="]},
    ],
)
def test_nothing_else_is_verified(changes: dict[str, Any]) -> None:
    headers = {**signed(**changes), "webhook-id": "evt_1"}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRETS[0]).verify(BODY, headers)
