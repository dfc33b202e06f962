"""Batches: all or nothing at first, each task once whatever crashes, counted as they end."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from botocore.client import BaseClient

from tests.functional.owner import Owner
from tests.functional.test_groups import child
from tests.functional.test_unwatched import CLOCK
from tests.functional.world import MODEL, World

PRICE = 4


def ask(owner: Owner, key: str | None = None, **body: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    answer = owner.http.post("/v1/batches", json=body, headers=headers)
    owner.world.settle_down()
    return answer


def made(owner: Owner, **body: Any) -> dict[str, Any]:
    answer = ask(owner, **body)
    assert answer.status_code == 202, answer.text
    batch: dict[str, Any] = answer.json()
    return batch


def read(owner: Owner, batch: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = owner.http.get(f"/v1/batches/{batch['id']}").raise_for_status().json()
    return found


def tasks_of(owner: Owner, batch: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    params = {"batch_id": batch["id"], "limit": 100, "order": "asc", **query}
    listed = owner.http.get("/v1/tasks", params=params).raise_for_status().json()
    found: list[dict[str, Any]] = listed["data"]
    return found


def accepted(world: World) -> int:
    return sum(one["accepted"] for one in world.creations())


# --- the life of a batch ------------------------------------------------------------------------


def test_a_batch_is_many_tasks_in_order(world: World, owner: Owner) -> None:
    owner.give(100)
    batch = made(owner, items=[child(f"kite {number}") for number in range(5)])
    assert batch["status"] == "running"
    assert batch["counts"] == {"running": 5}
    assert (batch["progress"], batch["completed_at"]) == (0, None)
    assert owner.figures() == (80, 20, 0, 5)
    world.run()
    batch = read(owner, batch)
    assert (batch["status"], batch["counts"], batch["progress"]) == (
        "succeeded",
        {"succeeded": 5},
        1,
    )
    found = tasks_of(owner, batch)
    assert [one["input"]["prompt"] for one in found] == [f"kite {number}" for number in range(5)]
    assert {one["batch_id"] for one in found} == {batch["id"]}
    assert batch["completed_at"] == max(one["completed_at"] for one in found)
    assert owner.figures() == (80, 0, 20, 0)
    assert accepted(world) == 5
    # What the batch said of its tasks went over to them, and goes with them.
    assert world.objects(f"inputs/{owner.name}/") == []


def test_one_task_is_made_several_times_with_a_seed_for_each(world: World, owner: Owner) -> None:
    item = {"model": "bytedance/seedream", "input": {"prompt": "a kite"}}
    batch = made(owner, item=item, count=3, seeds=[7, 8, 9])
    world.run()
    assert [one["input"]["seed"] for one in tasks_of(owner, batch)] == [7, 8, 9]
    assert read(owner, batch)["counts"] == {"succeeded": 3}


def test_tasks_of_a_batch_may_have_followers(world: World, owner: Owner) -> None:
    batch = made(owner, item=child("a", then=[child("{{input.prompt}}b")]), count=2)
    assert owner.figures()[1:] == (4 * PRICE, 0, 4)
    world.run()
    assert read(owner, batch)["counts"] == {"succeeded": 2}
    assert [one["group_status"] for one in tasks_of(owner, batch)] == ["succeeded"] * 2
    assert owner.figures()[1:] == (0, 4 * PRICE, 0)


def test_what_its_tasks_come_to_is_counted(world: World, owner: Owner) -> None:
    prompts = ["a", "b [fail 501 broken]", "c [slow 500]", "d"]
    batch = made(owner, items=[child(one, deadline_seconds=400) for one in prompts])
    world.run_for(450)
    assert read(owner, batch)["counts"] == {"succeeded": 2, "failed": 1, "expired": 1}
    assert read(owner, batch)["status"] == "partial"
    world.run()
    # One that had expired has come after all.
    assert read(owner, batch)["counts"] == {"succeeded": 3, "failed": 1}
    assert read(owner, batch)["progress"] == 1
    failed = tasks_of(owner, batch, status="failed")
    assert [one["input"]["prompt"] for one in failed] == [prompts[1]]


def test_batches_are_listed_newest_first(world: World, owner: Owner) -> None:
    batches = [made(owner, items=[child("a")])["id"] for _ in range(3)]
    first = owner.http.get("/v1/batches", params={"limit": 2}).json()
    assert [one["id"] for one in first["data"]] == batches[:0:-1]
    params = {"limit": 2, "cursor": first["next_cursor"]}
    rest = owner.http.get("/v1/batches", params=params).json()
    assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (batches[:1], False)
    world.run()


def test_a_batch_is_canceled_with_its_tasks(world: World, owner: Owner) -> None:
    batch = made(owner, item=child("a [slow 500]"), count=3)
    answer = owner.http.post(f"/v1/batches/{batch['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "canceled")
    assert answer.json()["counts"] == {"canceled": 3}
    again = owner.http.post(f"/v1/batches/{batch['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "batch_settled")
    assert {one["status"] for one in tasks_of(owner, batch)} == {"canceled"}
    world.run()


def test_what_belongs_to_its_tasks_is_canceled_with_them(world: World, owner: Owner) -> None:
    item = child("a", then=[child("c [slow 500]")], **{"with": [child("b [slow 500]")]})
    batch = made(owner, items=[item, child("d [slow 500]", then=[child("e")])])
    world.run_for(60)
    owner.http.post(f"/v1/batches/{batch['id']}/cancel").raise_for_status()
    first, second = tasks_of(owner, batch)
    assert [one["status"] for one in first["children"]] == ["canceled", "canceled"]
    assert (second["status"], second["children"][0]["status"]) == ("canceled", "skipped")
    assert read(owner, batch)["counts"] == {"succeeded": 1, "canceled": 1}
    world.run()


def test_a_batch_of_another_owner_does_not_exist(world: World, owner: Owner, bob: Any) -> None:
    batch = made(owner, items=[child("a")])
    for answer in (
        bob.get(f"/v1/batches/{batch['id']}"),
        bob.post(f"/v1/batches/{batch['id']}/cancel"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "batch_not_found")
    assert bob.get("/v1/tasks", params={"batch_id": batch["id"]}).json()["data"] == []
    path = f"/v1/batches/{batch['id']}"
    assert owner.admin.get(path, params={"owner": owner.name}).json()["id"] == batch["id"]
    world.run()


# --- all or nothing -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({}, "/items", "required"),
        ({"items": []}, "/items", "at least 1"),
        ({"items": [child("a")] * 101}, "/items", "at most 100"),
        ({"item": child("a")}, "/count", "required"),
        ({"count": 2}, "/items", "required"),
        ({"item": child("a"), "count": 101}, "/count", "100"),
        ({"items": [child("a")], "count": 2}, "/count", "cannot be combined"),
        ({"item": child("a"), "count": 3, "seeds": [1, 2]}, "/seeds", "3"),
        ({"item": child("a"), "seeds": [1, 2]}, "/seeds/0", "unknown field"),
        ({"item": child("", input={}), "count": 9}, "/item/input/prompt", "required"),
    ],
)
def test_what_is_not_complete_is_refused(
    world: World, owner: Owner, body: dict[str, Any], pointer: str, words: str
) -> None:
    answer = ask(owner, **body)
    assert answer.status_code == 422
    faults = [(one["pointer"], one["detail"]) for one in answer.json()["errors"]]
    assert any(place == pointer and words in detail for place, detail in faults), faults
    assert owner.figures()[1:] == (0, 0, 0)


def test_one_bad_item_of_a_hundred_stops_them_all(world: World, owner: Owner) -> None:
    items = [child(f"kite {number}") for number in range(100)]
    items[7] = child("x", input={"promt": "x"})
    items[42] = child("x", then=[child("{{nothing}}")])
    answer = ask(owner, items=items)
    assert answer.status_code == 422
    places = [one["pointer"] for one in answer.json()["errors"]]
    assert places == [
        "/items/7/input/promt",
        "/items/7/input/prompt",
        "/items/42/then/0/input/prompt",
    ]
    assert (owner.figures()[1:], world.creations()) == ((0, 0, 0), [])
    assert owner.http.get("/v1/batches").json()["data"] == []
    assert world.objects(f"inputs/{owner.name}/") == []


def test_a_batch_without_the_credits_for_all_of_it_is_refused(world: World, owner: Owner) -> None:
    owner.give(11)
    answer = ask(owner, item=child("a"), count=3)
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    assert owner.figures() == (11, 0, 0, 0)
    owner.give(1)
    made(owner, item=child("a"), count=3)
    world.run()
    assert owner.figures() == (0, 0, 12, 0)


def test_a_repeated_request_is_one_batch(world: World, owner: Owner) -> None:
    first = ask(owner, "one", item=child("a"), count=2)
    again = ask(owner, "one", item=child("a"), count=2)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    other = ask(owner, "one", item=child("b"), count=2)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    # A task is no batch, and the other way round.
    assert owner.ask(key="one").status_code == 422
    assert owner.ask(key="two").status_code == 202
    assert ask(owner, "two", item=child("a"), count=2).status_code == 422
    world.run()
    assert accepted(world) == 3


# --- what it costs ------------------------------------------------------------------------------


def written(world: World, make: Callable[[], object]) -> int:
    """Count the items that are written until everything has ended."""
    number = 0
    call = vars(BaseClient)["_make_api_call"]

    def counted(client: Any, operation: str, params: Any) -> Any:
        nonlocal number
        number += len(params.get("TransactItems", ())) + (operation in ("PutItem", "UpdateItem"))
        return call(client, operation, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", counted)
        make()
        world.run()
    return number


@pytest.mark.parametrize("count", [10, pytest.param(100, marks=pytest.mark.long)])
def test_a_batch_costs_no_more_than_its_tasks_alone(world: World, owner: Owner, count: int) -> None:
    def one_by_one() -> None:
        for number in range(count):
            owner.ask(key=f"one-{number}")
            world.run_for(1)

    alone = written(world, one_by_one)
    together = written(world, lambda: ask(owner, "all", item=child("a kite"), count=count))
    # Each of its tasks is counted in it, and sent by its watch; but all have one key, and are set
    # aside by one write.
    assert together <= alone + 3


# --- what there was no time for -----------------------------------------------------------------


def test_the_sweep_goes_on_with_what_there_was_no_time_for(world: World, owner: Owner) -> None:
    """Nobody asks again, and most of the tasks are still to be created."""
    request = world.gateway("ApiFunction").use_cases.request_batch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(request.create_tasks), "__call__", lambda _, batch, __: batch)
        batch = made(owner, item=child("a"), count=8)
    assert batch["counts"] == {"queued": 8}
    assert owner.figures()[1:] == (8 * PRICE, 0, 8)
    world.run_for(200)
    done = world.cloud.invoke("SweepFunction", CLOCK)
    assert done["batches"] == 1
    world.run()
    assert read(owner, batch)["counts"] == {"succeeded": 8}
    assert owner.figures()[1:] == (0, 8 * PRICE, 0)


@pytest.mark.long
def test_models_that_are_passed_over_make_no_batch_too_large(world: World, owner: Owner) -> None:
    """What the timelines tell of them did not fit into one write, so nothing was ever created."""
    retired = [{"model": one} for one in ("sora-2-image-to-video", "sora-2-characters")]
    item = child("a", model="ideogram/v3-reframe", fallback=[*retired, {"model": MODEL}])
    batch = made(owner, item=item, count=24)
    world.run()
    assert read(owner, batch)["counts"] == {"succeeded": 24}


def test_a_plan_that_is_gone_is_not_waited_for_for_ever(world: World, owner: Owner) -> None:
    request = world.gateway("ApiFunction").use_cases.request_batch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(request.create_tasks), "__call__", lambda _, batch, __: batch)
        batch = made(owner, item=child("a"), count=3)
    world.s3.delete_object(
        Bucket=world.cloud.resources["AssetBucket"],
        Key=f"inputs/{owner.name}/{batch['id']}/tasks.json",
    )
    for seconds in (700, 90_000, 700):
        world.run_for(seconds)
        world.cloud.invoke("SweepFunction", CLOCK)
        world.settle_down()
    assert read(owner, batch)["status"] == "canceled"
    assert owner.figures()[1:] == (0, 0, 0)
