"""What Kie.ai says of the account itself: its balance, and the tasks that its history lists."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_gateway.core.credits.reconciliation import Listed
from kie_gateway.core.errors.provider_errors import (
    ProviderAuthError,
    ProviderBusyError,
    ProviderContractError,
    ProviderError,
    ProviderUnreachableError,
)
from kie_gateway.kie.balance import KieBalance
from kie_gateway.kie.history import PAGE_SIZE, KieHistory, Session
from kie_gateway.kie.http import KieHttp
from tests.flows import REDACTION

PAYLOADS = Path(__file__).parents[1] / "payloads"
KEY = "kie-secret-key-4711"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MARKET = "/api/v1/playground/pageRecordListByDoris"


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def line(handler: Callable[[httpx.Request], httpx.Response]) -> httpx.Client:
    return httpx.Client(base_url="https://kie.test", transport=httpx.MockTransport(handler))


def balance(answer: Any, status: int = 200) -> Decimal:
    def handle(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("GET", "/api/v1/chat/credit")
        assert request.headers["authorization"] == f"Bearer {KEY}"
        return httpx.Response(status, json=answer)

    return KieBalance(KieHttp(line(handle), lambda: KEY, sleep=lambda _: None)).read()


def test_a_balance_has_fractions() -> None:
    assert balance(payload("credit.ok")) == Decimal("5916.25")
    assert balance({"code": 200, "msg": "success", "data": 100}) == 100
    assert balance({"code": 200, "msg": "success", "data": "12.5"}) == Decimal("12.5")
    assert balance({"code": 200, "msg": "success", "data": 0}) == 0


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        (payload("credit.error-401-in-200"), 200, ProviderAuthError),
        ({"code": 429, "msg": "too often"}, 200, ProviderBusyError),
        ({"code": 500, "msg": "Server exception"}, 200, ProviderBusyError),
        ({"code": 200, "msg": "success", "data": None}, 200, ProviderContractError),
        ({"code": 200, "msg": "success", "data": {"credits": 4}}, 200, ProviderContractError),
        ([], 200, ProviderContractError),
        ({}, 503, ProviderBusyError),
    ],
)
def test_what_is_no_balance_is_trouble(answer: Any, status: int, kind: type[ProviderError]) -> None:
    with pytest.raises(kind):
        balance(answer, status)


def test_a_kie_that_is_not_there_is_trouble() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    with pytest.raises(ProviderUnreachableError):
        KieBalance(KieHttp(line(refuse), lambda: KEY, sleep=lambda _: None)).read()


# --- history --------------------------------------------------------------------------------------


class Pages:
    """Kie's history pages: records by path; every other path has none."""

    def __init__(self, **records: list[dict[str, Any]]) -> None:
        self.records = records
        self.asked: list[tuple[str, int]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "session-token"
        assert request.headers["uniqueid"] == "unique"
        number = json.loads(request.content)["pageNum"]
        self.asked.append((request.url.path, number))
        is_market = request.url.path == MARKET
        found = self.records.get("market" if is_market else "other", [])
        page = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        return httpx.Response(200, json={"code": 200, "data": {"records": page}})

    def listed(self, since: datetime = LONG_AGO) -> list[Listed]:
        session = Session("session-token", "unique")
        return list(KieHistory(line(self), lambda: session, REDACTION).listed(since))


def record(number: int, at: datetime) -> dict[str, Any]:
    millis = int(at.timestamp() * 1000)
    return {"taskId": f"t{number}", "model": "m", "consumeCredits": number, "createTime": millis}


def test_every_familys_page_is_read() -> None:
    pages = Pages(market=payload("history.doris.page")["data"]["records"])
    [found] = pages.listed()
    assert found == Listed(
        "5be2c07a9d41463f8e70a1c2d3e4f506",
        "nano-banana-2",
        Decimal(8),
        datetime.fromtimestamp(1790234567.123, UTC),
    )
    paths = [path for path, _ in pages.asked]
    assert len(paths) == len(set(paths)) >= 5


def test_the_other_pages_name_ids_and_prices_in_their_own_words() -> None:
    pages = Pages(other=payload("history.userRecord.page")["data"]["records"])
    found = pages.listed()
    assert {(one.upstream_task_id, one.model, one.credits_taken) for one in found} == {
        ("5be2c07a9d41463f8e70a1c2d3e4f506", "veo3_fast", Decimal(60))
    }


def test_pages_are_read_until_they_are_too_old() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    pages = Pages(market=[record(n, now - timedelta(hours=n)) for n in range(35)])
    found = pages.listed(now - timedelta(hours=15))
    assert [one.credits_taken for one in found] == list(range(16))
    assert [number for path, number in pages.asked if path == MARKET] == [1, 2]


def test_records_without_an_id_or_a_price_are_told_as_they_are() -> None:
    pages = Pages(market=[{"model": "m"}, {"taskId": "t1", "creditsConsumed": "?"}])
    assert pages.listed() == [Listed("t1", "", None, None)]


def test_without_a_session_there_is_no_history() -> None:
    with pytest.raises(ProviderAuthError):
        list(KieHistory(line(Pages()), lambda: None, REDACTION).listed(LONG_AGO))
