"""
Nothing that Kie.ai quotes gets past the adapters that read it: no callback token, no signature.

Kie.ai gives back what it was given: the callback URL stands in its records, its errors and its
webhooks (`param`, `paramJson`, `callBackUrl`; seen in recorded answers of several clients).
"""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kie_gateway.core.callback_token import callback_token
from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.core.errors.caller_errors import WebhookRefusedError
from kie_gateway.core.errors.provider_errors import ProviderError, ProviderUnreachableError
from kie_gateway.kie.client import KieClient
from kie_gateway.kie.history import KieHistory, Session
from kie_gateway.kie.http import KieHttp
from kie_gateway.kie.redaction import Redaction
from kie_gateway.kie.webhook import KieWebhooks
from tests.flows import CALLBACK, REDACTION, SECRET
from tests.makers import NOW, RESULT_URL, TASK_ID, UPSTREAM_ID, make_task, running_task

TOKEN = callback_token(TASK_ID, SECRET)
WORDS = f"the callback failed: {CALLBACK}"
PARAM = json.dumps({"callBackUrl": CALLBACK})


def http(body: Any) -> httpx.Client:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    return httpx.Client(base_url="https://kie.test", transport=transport)


def client(body: Any) -> KieClient:
    return KieClient(KieHttp(http(body), lambda: "key", sleep=lambda _: None), REDACTION)


def record(state: str, **more: Any) -> dict[str, Any]:
    data = {"taskId": UPSTREAM_ID, "state": state, "param": PARAM, "failMsg": WORDS, **more}
    return {"code": 200, "msg": WORDS, "data": data}


DONE = record("success", resultJson=json.dumps({"resultUrls": [RESULT_URL]}))
FAILED = record("fail", failCode="500")


@pytest.mark.parametrize("code", [422, 429, 402, 500, 455], ids=str)
def test_a_refusal_of_a_creation_is_told_without_the_token(code: int) -> None:
    with pytest.raises(ProviderError) as refused:
        client({"code": code, "msg": WORDS, "data": None}).create(make_task(), {})
    assert "the callback failed" in refused.value.message
    assert TOKEN not in f"{refused.value} {refused.value.message}"


@pytest.mark.parametrize("body", [DONE, FAILED], ids=["done", "failed"])
def test_a_creation_that_is_answered_at_once_is_kept_without_the_token(body: Any) -> None:
    accepted = client(body).create(make_task(), {})
    assert accepted.at_once is not None
    assert accepted.raw == json.dumps(body, separators=(",", ":")).encode().replace(
        TOKEN.encode(), b"[token]"
    )
    assert TOKEN not in repr(accepted)


@pytest.mark.parametrize(
    "body",
    [
        DONE,
        FAILED,
        record("odd"),
        record(f"calling {CALLBACK}"),
        {"code": 422, "msg": f"recordInfo is null {CALLBACK}", "data": None},
    ],
    ids=["done", "failed", "odd", "a state", "not visible"],
)
def test_an_answer_about_a_task_is_told_and_kept_without_the_token(body: Any) -> None:
    answer = client(body).ask(running_task())
    assert TOKEN not in repr(answer)
    if body is DONE:
        assert RESULT_URL in repr(answer.report)
    assert json.loads(answer.raw)["code"] == body["code"]


@pytest.mark.parametrize("code", [401, 429, 455])
def test_trouble_with_a_question_is_told_without_the_token(code: int) -> None:
    with pytest.raises(ProviderError) as trouble:
        client({"code": code, "msg": WORDS, "data": None}).ask(running_task())
    assert TOKEN not in f"{trouble.value} {trouble.value.message}"


def test_the_history_tells_no_token() -> None:
    entry = {"taskId": UPSTREAM_ID, "state": "fail", "failMsg": WORDS, "failCode": "500"}
    pages = http({"code": 200, "data": {"records": [entry]}})
    found = KieHistory(pages, lambda: Session("token"), REDACTION).find(running_task())
    assert found is not None
    assert "the callback failed" in repr(found)
    assert TOKEN not in repr(found)


@pytest.mark.parametrize("body", [DONE, FAILED, record("odd")], ids=["done", "failed", "odd"])
def test_a_webhook_is_read_and_kept_without_the_token(body: Any) -> None:
    raw = json.dumps(body).encode()
    said = KieWebhooks(REDACTION, lambda: None).read(running_task(), raw)
    assert said.upstream_task_id == UPSTREAM_ID
    assert said.body == raw.replace(TOKEN.encode(), b"[token]")
    assert TOKEN not in repr(said)


def test_a_webhook_under_another_tasks_token_is_refused() -> None:
    reader = KieWebhooks(REDACTION, lambda: None)
    reader.verify_token(TASK_ID, TOKEN)
    with pytest.raises(WebhookRefusedError, match="token_mismatch"):
        reader.verify_token(f"{TASK_ID[:-1]}z", TOKEN)


def unreadable() -> str:
    raise ConfigurationError("the secret cannot be read")


def test_without_the_secret_nothing_is_sent() -> None:
    """A creation whose callback Kie.ai could not make would never be heard of again."""
    sent: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=DONE)

    pages = httpx.Client(base_url="https://kie.test", transport=httpx.MockTransport(note))
    secrets: list[tuple[Callable[[], str], Callable[[], str]]] = [
        (unreadable, lambda: "key"),
        (lambda: SECRET, unreadable),
    ]
    for secret, key in secrets:
        kie = KieClient(KieHttp(pages, key, sleep=lambda _: None), Redaction(secret))
        with pytest.raises(ProviderUnreachableError, match="the secret cannot be read"):
            kie.create(make_task(sending_at=NOW), {})
    assert sent == []
