"""Kie's history pages: with which key they are asked, and how long one that is closed is left."""

import json
import logging
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from kie_gateway.core.errors.provider_errors import (
    ProviderAuthError,
    ProviderContractError,
    ProviderError,
)
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.ports.kie import Record
from kie_gateway.kie.history import KieHistory, Session
from tests.flows import REDACTION
from tests.makers import NOW, RESULT_URL, UPSTREAM_ID, running_task

KEY = "kie-secret-key-4711"
BEARER, BARE, SESSION = f"Bearer {KEY}", KEY, "session-token"
TASK = running_task(family="gpt4o", model="gpt4o-image")
FOUND = {
    "taskId": UPSTREAM_ID,
    "successFlag": 1,
    "resultJson": json.dumps({"data": {"result_urls": [RESULT_URL]}}),
}
PAGE = {"code": 200, "msg": "success", "data": {"records": [FOUND], "total": 1, "pages": 1}}
REFUSALS = {
    "code 401": httpx.Response(200, json={"code": 401, "msg": "Unauthorized", "data": None}),
    "code 403": httpx.Response(200, json={"code": 403, "msg": "Forbidden", "data": None}),
    "code 404": httpx.Response(200, json={"code": 404, "msg": "Not Found", "data": None}),
    "HTTP 401": httpx.Response(401, json={"code": 401, "msg": "x"}),
    "HTTP 403": httpx.Response(403, text="<html>Forbidden</html>"),
    "HTTP 404": httpx.Response(404, text="<html>gone</html>"),
    "a login page": httpx.Response(200, text="<!DOCTYPE html><html>Sign in</html>"),
    "a way to the login page": httpx.Response(302, headers={"location": "https://kie.ai/login"}),
}


class Dashboard:
    """Kie's history pages, open to some."""

    def __init__(self, *opens: str, refusal: httpx.Response | None = None) -> None:
        self.opens = {*opens}
        self.refusal = refusal or REFUSALS["code 401"]
        self.asked: list[str] = []
        self.paths: list[str] = []
        self.now: datetime = NOW

    def history(self, session: Session | None = None, *, key: str | None = KEY) -> KieHistory:
        http = httpx.Client(base_url="https://kie.test", transport=httpx.MockTransport(self._tell))
        api_key = None if key is None else (lambda: key)
        return KieHistory(http, lambda: session, REDACTION, api_key=api_key, now=lambda: self.now)

    def _tell(self, request: httpx.Request) -> httpx.Response:
        shown = request.headers["authorization"]
        self.asked.append(shown)
        self.paths.append(request.url.path)
        if shown in self.opens:
            return httpx.Response(200, json=PAGE)
        refusal = self.refusal
        return httpx.Response(
            refusal.status_code, content=refusal.content, headers=dict(refusal.headers)
        )


def is_found(record: Record | None) -> bool:
    return record is not None and isinstance(record.report, Finished)


@pytest.mark.parametrize(
    ("opens", "asked"),
    [((BEARER, BARE), [BEARER]), ((BARE,), [BEARER, BARE]), ((SESSION,), [BEARER, BARE, SESSION])],
)
def test_the_api_key_is_tried_in_both_ways_then_the_session_and_what_worked_is_remembered(
    opens: tuple[str, ...], asked: list[str]
) -> None:
    dashboard = Dashboard(*opens)
    history = dashboard.history(Session(SESSION))
    assert is_found(history.find(TASK))
    assert dashboard.asked == asked
    assert is_found(history.find(TASK))
    assert dashboard.asked == [*asked, asked[-1]]


def test_a_way_that_has_closed_is_left_for_another() -> None:
    dashboard = Dashboard(BEARER)
    history = dashboard.history()
    assert is_found(history.find(TASK))
    dashboard.opens = {BARE}
    assert is_found(history.find(TASK))
    assert dashboard.asked == [BEARER, BEARER, BARE]


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_page_that_is_closed_to_us_is_left_alone_for_an_hour(refusal: httpx.Response) -> None:
    dashboard = Dashboard(refusal=refusal)
    history = dashboard.history()
    assert history.is_open(TASK)
    with pytest.raises(ProviderAuthError, match="for an hour"):
        history.find(TASK)
    assert dashboard.asked == [BEARER, BARE]
    dashboard.now += timedelta(minutes=59)
    assert not history.is_open(TASK)
    dashboard.now += timedelta(minutes=1)
    dashboard.opens = {BARE}
    assert history.is_open(TASK)
    assert is_found(history.find(TASK))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(200, json={"code": 500, "msg": "Server exception"}), ProviderContractError),
        (httpx.Response(200, json={"code": 429, "msg": "too often"}), ProviderContractError),
        (httpx.Response(502, text="<html>Bad gateway</html>"), ProviderContractError),
        (httpx.Response(200, json={"code": 200, "data": {}}), ProviderContractError),
    ],
)
def test_a_page_that_is_in_trouble_is_asked_again(
    answer: httpx.Response, kind: type[ProviderError]
) -> None:
    dashboard = Dashboard(refusal=answer)
    history = dashboard.history()
    with pytest.raises(kind):
        history.find(TASK)
    assert dashboard.asked == [BEARER]
    assert history.is_open(TASK)


@pytest.mark.parametrize("name", ["market", "veo", "suno", "runway", "flux_kontext"])
def test_pages_that_are_for_sessions_alone_are_not_asked_with_the_key(name: str) -> None:
    task = running_task(family=name)
    assert not Dashboard(BEARER, BARE).history().is_open(task)
    dashboard = Dashboard(SESSION)
    history = dashboard.history(Session(SESSION))
    assert history.is_open(task)
    history.find(task)
    assert {*dashboard.asked} == {SESSION}


def test_one_page_that_is_closed_closes_no_other() -> None:
    dashboard = Dashboard()
    history = dashboard.history(Session(SESSION))
    with pytest.raises(ProviderAuthError):
        history.find(TASK)
    assert history.is_open(running_task(family="veo"))


def test_neither_key_nor_session_ever_reaches_a_log_or_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    echo: Any = {"code": 401, "msg": f"bad key {KEY} or {SESSION}", "data": None}
    history = Dashboard(refusal=httpx.Response(200, json=echo)).history(Session(SESSION))
    with pytest.raises(ProviderAuthError) as raised:
        history.find(TASK)
    for words in (str(raised.value), repr(history), caplog.text):
        assert KEY not in words
        assert SESSION not in words
