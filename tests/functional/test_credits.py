"""Whose money: reservations, charges and refunds as owners and admins see them, on both roads."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from kie_gateway.aws.secrets import Secrets
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.base import ConfigurationError
from kie_gateway.wiring import api
from tests.functional.owner import Owner
from tests.functional.world import MODEL, World

DAY = 86400
# What a picture of this model costs, by the catalogue and at the simulated Kie.ai.
PRICE = 4.0
CLOCK = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


def tick(world: World) -> dict[str, Any]:
    """Run the sweep."""
    answer: dict[str, Any] = world.cloud.invoke("SweepFunction", CLOCK)
    world.settle_down()
    return answer


# --- the life of a task ---------------------------------------------------------------------------


def test_a_success_is_charged_with_what_kie_took(owner: Owner) -> None:
    owner.give(100)
    task = owner.create()
    assert owner.figures() == (100 - PRICE, PRICE, 0, 1)
    owner.world.run()
    assert task.read()["credits"] == {"estimated": PRICE, "charged": PRICE}
    assert owner.figures() == (100 - PRICE, 0, PRICE, 0)
    assert owner.reasons() == ["grant", "reserve", "charge"]


def test_a_success_by_the_other_road_is_charged_once(owner: Owner) -> None:
    owner.give(100)
    task = owner.create("a kite [webhook lost]")
    owner.world.run()
    task.refresh()
    assert owner.figures() == (100 - PRICE, 0, PRICE, 0)
    assert owner.reasons() == ["grant", "reserve", "charge"]


def test_five_webhooks_charge_once(owner: Owner) -> None:
    owner.give(100)
    owner.create("a kite [webhook x5]")
    owner.world.run()
    assert owner.reasons() == ["grant", "reserve", "charge"]


def test_an_owner_without_a_limit_is_in_the_ledger_too(owner: Owner) -> None:
    owner.create()
    owner.world.run()
    found = owner.account()
    assert (found["unlimited"], found["balance"], found["spent"]) == (True, None, PRICE)


def test_a_failure_costs_nothing(owner: Owner) -> None:
    owner.give(100)
    task = owner.create("a kite [fail]")
    owner.world.run()
    assert task.end()[0] == "failed"
    assert owner.figures() == (100, 0, 0, 0)


def test_a_refused_creation_costs_nothing(owner: Owner) -> None:
    owner.give(100)
    task = owner.create("a kite [create 422]")
    owner.world.run()
    assert task.end()[0] == "failed"
    assert owner.figures() == (100, 0, 0, 0)


def test_a_canceled_task_is_charged_when_kie_made_it_all_the_same(owner: Owner) -> None:
    owner.give(100)
    task = owner.create()
    assert task.cancel().status_code == 202
    assert owner.figures() == (100 - PRICE, PRICE, 0, 0)
    owner.world.run()
    assert task.end()[0] == "canceled"
    assert owner.figures() == (100 - PRICE, 0, PRICE, 0)
    assert task.read()["credits"]["charged"] == PRICE
    assert "credits_settled" in [entry["type"] for entry in task.timeline()]


def test_a_canceled_task_that_fails_at_kie_costs_nothing(owner: Owner) -> None:
    owner.give(100)
    task = owner.create("a kite [fail]")
    task.cancel()
    owner.world.run()
    assert owner.figures() == (100, 0, 0, 0)


def test_a_deleted_task_is_charged_without_keeping_anything_of_it(owner: Owner) -> None:
    owner.give(100)
    task = owner.create()
    assert owner.http.delete(f"/v1/tasks/{task.task_id}").status_code == 204
    owner.world.run()
    assert owner.figures() == (100 - PRICE, 0, PRICE, 0)
    for folder in ("webhooks", "answers"):
        assert owner.world.objects(f"{folder}/{task.task_id}") == []


def test_a_task_that_was_never_sent_costs_nothing_when_canceled(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.give(100)
    task = owner.create("a kite [create 429]")
    assert task.end()[0] == "queued"
    task.cancel()
    assert owner.figures() == (100, 0, 0, 0)


def test_an_expired_task_gives_its_credits_back_in_time_and_late_success_is_charged(
    owner: Owner,
) -> None:
    owner.give(100)
    world = owner.world
    task = owner.create("a kite [webhook lost] [slow 95000]", deadline_seconds=200)
    world.run_for(300)
    assert task.end()[0] == "expired"
    assert owner.figures() == (100 - PRICE, PRICE, 0, 0)
    assert tick(world)["released"] == 0
    world.run_for(DAY)
    assert tick(world)["released"] == 1
    assert tick(world)["released"] == 0
    assert owner.figures() == (100, 0, 0, 0)
    world.run_for(DAY)
    owner.http.post(f"/v1/tasks/{task.task_id}/refresh")
    world.run()
    assert task.end()[0] == "succeeded"
    assert owner.figures() == (100 - PRICE, 0, PRICE, 0)
    assert owner.reasons() == ["grant", "reserve", "release", "late_success"]


def test_the_clock_asks_kie_before_it_gives_credits_back(owner: Owner) -> None:
    owner.give(100)
    world = owner.world
    task = owner.create("a kite [webhook lost] [slow 5000]", deadline_seconds=200)
    canceled = owner.create("a boat [webhook lost] [slow 5000]")
    canceled.cancel()
    world.run_for(DAY + 300)
    assert (task.end()[0], canceled.end()[0]) == ("expired", "canceled")
    assert tick(world)["released"] == 0
    world.run()
    assert (task.end()[0], canceled.end()[0]) == ("succeeded", "canceled")
    assert owner.figures() == (100 - 2 * PRICE, 0, 2 * PRICE, 0)


def test_the_clock_tells_what_is_left_at_kie(owner: Owner) -> None:
    before = tick(owner.world)["upstream_credits"]
    owner.create()
    owner.world.run()
    assert tick(owner.world)["upstream_credits"] == before - PRICE
    assert owner.admin.get("/v1/credits").json()["upstream"]["balance"] == before - PRICE
    assert owner.account()["upstream"] is None


def test_credits_are_released_while_kie_does_not_answer(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise ConfigurationError("the secret cannot be read")

    owner.give(5)
    monkeypatch.setattr(Secrets, "kie_keys", unreadable)
    assert tick(owner.world) == {
        "swept": 0,
        "batches": 0,
        "released": 0,
        "resumed": 0,
        "upstream_credits": None,
    }
    params = {"owner": owner.name}
    seen = owner.admin.get("/v1/credits", params=params).json()
    assert (seen["balance"], seen["upstream"]) == (5, None)


# --- refusals -------------------------------------------------------------------------------------


def test_without_credits_kie_is_not_called_and_nothing_stays_behind(owner: Owner) -> None:
    owner.give(PRICE * 1.5)
    owner.create()
    created = len(owner.world.creations())
    answer = owner.ask()
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    assert answer.headers["x-error-code"] == "insufficient_credits"
    assert answer.json()["detail"] == "The task costs about 4 credits, and 2 are left."
    assert len(owner.world.creations()) == created
    assert len(owner.http.get("/v1/tasks").json()["data"]) == 1
    assert owner.figures() == (PRICE / 2, PRICE, 0, 1)


def test_of_many_at_once_as_many_are_created_as_there_are_credits_for(owner: Owner) -> None:
    owner.give(PRICE * 3)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: owner.ask(f"kite {n}"), range(8)))
    owner.world.settle_down()
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [402] * 5
    assert owner.figures() == (0, PRICE * 3, 0, 3)
    owner.world.run()
    assert owner.figures() == (0, 0, PRICE * 3, 0)


def test_a_repeated_request_is_answered_without_credits_left(owner: Owner) -> None:
    owner.give(PRICE)
    first, again = owner.ask(key="order-1"), owner.ask(key="order-1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["id"] == first.json()["id"]
    assert owner.ask(key="order-2").status_code == 402
    # A refused request has used nothing up.
    owner.give(PRICE)
    assert owner.ask(key="order-2").status_code == 202


def test_a_task_that_cannot_be_watched_gives_its_credits_back(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner.give(100)

    def start(*_: object) -> None:
        raise BackendUnavailableError("no machine")

    with monkeypatch.context() as patch:
        patch.setattr(owner.world.gateway("ApiFunction").executions, "start", start)
        assert owner.ask().status_code == 503
    assert owner.figures() == (100, 0, 0, 0)
    assert owner.reasons() == ["grant", "reserve", "release"]


def test_a_month_has_a_budget(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    monkeypatch.setattr(api, "count", counted.append)
    limits = {"owner": owner.name, "soft_budget": PRICE, "hard_budget": PRICE * 2.5}
    owner.admin.put("/v1/credits/limits", json=limits).raise_for_status()
    owner.create()
    assert owner.account()["budget"]["is_over_soft"] is False
    owner.create()
    budget = owner.account()["budget"]
    assert (budget["soft"], budget["hard"], budget["is_over_soft"]) == (4, 10, True)
    assert counted == ["SoftBudgetExceeded"]
    answer = owner.ask()
    assert (answer.status_code, answer.json()["code"]) == (402, "budget_exceeded")
    owner.world.run()
    assert owner.account()["budget"]["spent"] == PRICE * 2
    assert owner.ask().status_code == 402
    owner.admin.put("/v1/credits/limits", json={"owner": owner.name}).raise_for_status()
    assert owner.ask().status_code == 202


def test_an_owner_has_so_many_tasks_at_once(owner: Owner) -> None:
    key = owner.admin.post(
        "/v1/keys", json={"owner": owner.name, "name": "two", "tasks_at_once": 2}
    ).json()
    assert key["tasks_at_once"] == 2
    headers = {"Authorization": f"Bearer {key['secret']}"}
    body = {"model": MODEL, "input": {"prompt": "a kite"}}
    url = f"{owner.world.cloud.url}/v1/tasks"
    answers = [httpx.post(url, json=body, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].json()["code"] == "too_many_tasks"
    assert answers[2].headers["retry-after"] == answers[2].headers["ratelimit-reset"] == "10"
    assert answers[2].headers["ratelimit-limit"] == "2"
    assert answers[2].headers["ratelimit-remaining"] == "0"
    assert answers[2].headers["ratelimit-policy"] == '"tasks";q=2'
    assert answers[2].headers["ratelimit"] == '"tasks";r=0;t=10'
    # Its other key has no such limit.
    assert owner.ask().status_code == 202
    owner.world.run()
    assert httpx.post(url, json=body, headers=headers).status_code == 202


# --- what owners see and admins do ----------------------------------------------------------------


def test_a_ledger_is_read_by_pages_and_as_csv(owner: Owner) -> None:
    owner.give(100)
    owner.create()
    owner.world.run()
    first = owner.http.get("/v1/credits/ledger", params={"limit": 2}).json()
    assert [entry["reason"] for entry in first["data"]] == ["charge", "reserve"]
    assert first["data"][0] | {"at": "", "task_id": "", "id": ""} == {
        "object": "ledger_entry",
        "id": "",
        "at": "",
        "reason": "charge",
        "credits": 4.0,
        "source": "reserved",
        "target": "spent",
        "balance_after": 96.0,
        "task_id": "",
        "note": "",
    }
    cursor = first["next_cursor"]
    last = owner.http.get("/v1/credits/ledger", params={"limit": 2, "cursor": cursor}).json()
    assert [entry["reason"] for entry in last["data"]] == ["grant"]
    assert (last["has_more"], last["next_cursor"]) == (False, None)
    table = owner.http.get(
        "/v1/credits/ledger", params={"limit": 2}, headers={"Accept": "text/csv"}
    )
    assert table.headers["content-type"].startswith("text/csv")
    assert table.headers["x-next-cursor"] == cursor
    entries = list(csv.DictReader(io.StringIO(table.text)))
    assert [(entry["reason"], entry["credits"], entry["balance_after"]) for entry in entries] == [
        ("charge", "4", "96"),
        ("reserve", "4", "96"),
    ]


def test_a_grant_is_given_once_under_one_key(owner: Owner) -> None:
    body = {"owner": owner.name, "credits": 5, "reason": "=1+1"}
    headers = {"Idempotency-Key": "gift-1"}
    answers = [owner.admin.post("/v1/credits/grant", json=body, headers=headers) for _ in range(2)]
    assert [answer.json()["balance"] for answer in answers] == [5, 5]
    assert ["idempotent-replayed" in answer.headers for answer in answers] == [False, True]
    other = owner.admin.post("/v1/credits/grant", json={**body, "credits": 6}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    table = owner.http.get("/v1/credits/ledger", headers={"Accept": "text/csv"}).text
    # No spreadsheet takes the words for a formula.
    assert table.splitlines()[1].endswith(",'=1+1")


def test_a_balance_is_corrected_but_not_below_zero(owner: Owner) -> None:
    owner.give(5)
    correct = {"owner": owner.name, "credits": -2, "reason": "a mistake"}
    assert owner.admin.post("/v1/credits/adjust", json=correct).json()["balance"] == 3
    answer = owner.admin.post("/v1/credits/adjust", json={**correct, "credits": -4})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/credits"]


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("grant", {"owner": "x", "reason": "y"}, "/credits"),
        ("grant", {"owner": "x", "credits": 0, "reason": "y"}, "/credits"),
        ("grant", {"owner": "x", "credits": -1, "reason": "y"}, "/credits"),
        ("grant", {"owner": "x", "credits": 0.00001, "reason": "y"}, "/credits"),
        ("grant", {"owner": "x", "credits": "5", "reason": "y"}, "/credits"),
        ("grant", {"owner": "../x", "credits": 5, "reason": "y"}, "/owner"),
        ("grant", {"owner": "x", "credits": 5, "reason": ""}, "/reason"),
        ("adjust", {"owner": "x", "credits": 1e12, "reason": "y"}, "/credits"),
        ("adjust", {"owner": "x", "credits": 5, "reason": "y", "unlimited": True}, "/unlimited"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_by_field(
    owner: Owner, path: str, body: dict[str, Any], pointer: str
) -> None:
    answer = owner.admin.post(f"/v1/credits/{path}", json=body)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_others_accounts_are_for_admins(owner: Owner) -> None:
    owner.give(5)
    for path in ("/v1/credits", "/v1/credits/ledger"):
        assert owner.admin.get(path, params={"owner": owner.name}).status_code == 200
        for name in ("root", "nobody"):
            assert owner.http.get(path, params={"owner": name}).status_code == 403
    seen = owner.admin.get("/v1/credits", params={"owner": owner.name}).json()
    assert (seen["owner"], seen["balance"]) == (owner.name, 5)
    assert owner.http.get("/v1/credits/ledger", params={"cursor": "x"}).status_code == 422
