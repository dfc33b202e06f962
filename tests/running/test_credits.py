"""Credits on the running gateway, every answer held to the API's own document."""

import csv
import io
from collections.abc import Iterator

import httpx
import pytest

from tests.running.described import Described
from tests.running.driver import create, new_key, problem, settle
from tests.running.gateway import Gateway


@pytest.fixture(scope="module")
def penny(gateway: Gateway, described: Described) -> Iterator[httpx.Client]:
    """An owner who has 10 credits."""
    gateway.http.post(
        "/v1/credits/grant", json={"owner": "penny", "credits": 10, "reason": "pocket money"}
    ).raise_for_status()
    with described.client(gateway.url, new_key(gateway.http, "penny")) as client:
        yield client


def test_an_owner_spends_what_it_has_and_no_more(penny: httpx.Client) -> None:
    succeeded = settle(penny, create(penny, "a kite")["id"])
    assert succeeded["credits"] == {"estimated": 4, "charged": 4}
    failed = settle(penny, create(penny, "x [fail]")["id"])
    assert failed["credits"]["charged"] is None
    settle(penny, create(penny, "a kite [webhook lost]")["id"])
    body = {"model": "google/nano-banana", "input": {"prompt": "one too many"}}
    problem(penny.post("/v1/tasks", json=body), 402, "insufficient_credits")
    account = penny.get("/v1/credits").json()
    assert (account["balance"], account["reserved"], account["spent"]) == (2, 0, 8)


def test_every_move_is_in_the_ledger(penny: httpx.Client) -> None:
    rows = penny.get("/v1/credits/ledger").json()["data"][::-1]
    told = [(row["reason"], row["credits"], row["balance_after"]) for row in rows]
    assert told == [
        ("grant", 10, 10),
        *(("reserve", 4, 6), ("charge", 4, 6)),
        *(("reserve", 4, 2), ("release", 4, 6)),
        *(("reserve", 4, 2), ("charge", 4, 2)),
    ]
    table = penny.get("/v1/credits/ledger", headers={"Accept": "text/csv"}).text
    assert [row["id"] for row in csv.DictReader(io.StringIO(table))] == [
        row["id"] for row in rows[::-1]
    ]


def test_admins_change_accounts_and_nobody_else(caller: httpx.Client, penny: httpx.Client) -> None:
    changes = {
        "grant": {"owner": "penny", "credits": 1, "reason": "x"},
        "adjust": {"owner": "penny", "credits": -1, "reason": "x"},
    }
    for name, change in changes.items():
        problem(penny.post(f"/v1/credits/{name}", json=change), 403, "forbidden")
        assert caller.post(f"/v1/credits/{name}", json=change).is_success
    limits = {"owner": "penny", "hard_budget": 8}
    problem(penny.put("/v1/credits/limits", json=limits), 403, "forbidden")
    assert caller.put("/v1/credits/limits", json=limits).json()["budget"]["hard"] == 8
    assert caller.get("/v1/credits").json()["upstream"]["balance"] > 0
