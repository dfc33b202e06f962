"""Tasks that belong together: created one from the other, each once, and judged as one."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from kie_gateway.flows.watching import sweep_tasks
from tests.functional.owner import Owner
from tests.functional.story import Story
from tests.functional.test_trouble import refuse
from tests.functional.test_unwatched import DAY, figures, strike
from tests.functional.world import MODEL, World

EDIT = "google/nano-banana-edit"
UPSCALE = {
    "name": "large",
    "model": EDIT,
    "input": {
        "prompt": "{{input.prompt}}, larger",
        "image_urls": ["{{outputs[0].url}}"],
    },
}


def child(prompt: str, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "input": {"prompt": prompt}, **more}


def children_of(world: World, task: Story) -> list[Story]:
    """List the children that are created."""
    return [Story(world, one["id"], 0) for one in task.read()["children"] if one["id"]]


def assert_group(task: Story, status: str, *children: tuple[str, str]) -> None:
    shown = task.read()
    assert [(one["name"], one["status"]) for one in shown["children"]] == list(children)
    assert shown["group_status"] == status


def refused(world: World, **body: Any) -> list[tuple[str, str]]:
    """Ask for a task that must be refused; returns the faults."""
    before = figures(world), world.creations()
    answer = world.http.post("/v1/tasks", json={**child("a kite"), **body})
    assert answer.status_code == 422, answer.text
    assert (figures(world), world.creations()) == before
    return [(one["pointer"], one["detail"]) for one in answer.json()["errors"]]


# --- what follows -------------------------------------------------------------------------------


def test_a_task_that_follows_is_made_from_what_its_parent_brought(world: World) -> None:
    task = world.create("a kite", then=[UPSCALE])
    assert_group(task, "running", ("large", "pending"))
    assert task.read()["children"][0]["id"] is None
    world.run()
    assert_group(task, "succeeded", ("large", "succeeded"))
    [large] = children_of(world, task)
    shown = large.read()
    assert (shown["parent_id"], shown["model"]) == (task.task_id, EDIT)
    assert shown["input"]["prompt"] == "a kite, larger"
    assert shown["input"]["image_urls"] == [f"kg-output://{task.task_id}/0"]
    # What Kie.ai was sent is a link that it can fetch.
    listed = httpx.get(f"{world.kie.base_url}/sim/tasks").json()
    sent = next(one for one in listed if large.task_id in one["callBackUrl"])
    [link] = sent["input"]["image_urls"]
    assert httpx.get(link).content == task.stored_files()[0]
    assert large.accepted_creations() == 1
    # What its parent said of it went over to it, and goes with it.
    assert world.objects(f"inputs/alice/{task.task_id}/") == []


def test_a_child_may_be_named_with_a_zero(world: World) -> None:
    task = world.create("a kite", then=[child("{{input.prompt}}, larger", name="0")])
    assert_group(task, "running", ("0", "pending"))
    world.run()
    assert_group(task, "succeeded", ("0", "succeeded"))
    assert [one.accepted_creations() for one in (task, *children_of(world, task))] == [1, 1]


def test_tasks_beside_begin_together(world: World) -> None:
    task = world.create("a kite", **{"with": [child("{{input.prompt}} at night", name="night")]})
    [night] = children_of(world, task)
    assert night.read()["input"]["prompt"] == "a kite at night"
    assert night.read()["created_at"] == task.read()["created_at"]
    world.run()
    assert_group(task, "succeeded", ("night", "succeeded"))


def test_a_chain_of_three_levels_is_one_group(world: World) -> None:
    last = child("{{input.prompt}}!", name="c", **{"with": [child("beside", name="d")]})
    task = world.create("a", then=[child("{{input.prompt}}b", name="b", then=[last])])
    world.run()
    assert_group(task, "succeeded", ("b", "succeeded"))
    [second] = children_of(world, task)
    [third] = children_of(world, second)
    [beside] = children_of(world, third)
    prompts = [one.read()["input"]["prompt"] for one in (second, third, beside)]
    assert prompts == ["ab", "ab!", "beside"]
    assert all(one.accepted_creations() == 1 for one in (task, second, third, beside))


def test_placeholders_stand_for_what_was_asked_for_whichever_model_delivers(world: World) -> None:
    other = {"model": "nano-banana-2", "input": {"prompt": "put otherwise"}}
    task = world.create(
        "a kite [google/nano-banana: fail]", fallback=[other], then=[child("{{input.prompt}}!")]
    )
    world.run()
    assert task.read()["model"] == "nano-banana-2"
    [follower] = children_of(world, task)
    assert follower.read()["input"]["prompt"] == "a kite [google/nano-banana: fail]!"


def test_children_are_listed_by_their_parent(world: World) -> None:
    task = world.create("a kite", then=[child("b"), child("c")])
    world.run()
    listed = world.http.get("/v1/tasks", params={"parent_id": task.task_id}).json()["data"]
    assert {one["id"] for one in listed} == {one.task_id for one in children_of(world, task)}
    assert [one["name"] for one in task.read()["children"]] == ["then-0", "then-1"]


def test_a_list_shows_the_group(world: World) -> None:
    task = world.create("a kite", then=[child("b")])
    world.run()
    listed = world.http.get("/v1/tasks", params={"limit": 10}).json()["data"]
    shown = next(one for one in listed if one["id"] == task.task_id)
    assert (shown["group_status"], shown["children"][0]["status"]) == ("succeeded", "succeeded")


def test_a_copy_of_a_group_is_good_until_one_of_it_moves(world: World) -> None:
    task = world.create("a kite", then=[child("b [slow 500]")])
    world.run_for(100)
    url = f"/v1/tasks/{task.task_id}"
    tag = world.http.get(url).headers["ETag"]
    assert world.http.get(url, headers={"If-None-Match": tag}).status_code == 304
    world.run()
    assert world.http.get(url, headers={"If-None-Match": tag}).status_code == 200


# --- what becomes of the whole ------------------------------------------------------------------


@pytest.mark.parametrize(("required", "status"), [(True, "failed"), (False, "partial")])
def test_a_child_that_fails_leaves_its_parent_alone(
    world: World, required: bool, status: str
) -> None:
    failing = child("x [fail 501 broken]", name="b", required=required)
    task = world.create("a kite", then=[failing])
    world.run()
    assert_group(task, status, ("b", "failed"))
    assert task.end()[0] == "succeeded"
    assert len(task.stored_files()) == 1


def test_nothing_follows_a_task_that_failed(world: World) -> None:
    before = figures(world)
    task = world.create("a kite [fail 501 broken]", then=[child("b"), child("c")])
    assert figures(world)[1] - before[1] == 12
    world.run()
    assert_group(task, "failed", ("then-0", "skipped"), ("then-1", "skipped"))
    assert figures(world) == before


def test_a_value_that_is_missing_fails_that_child_alone_and_unpaid(world: World) -> None:
    before = figures(world)
    missing = {"prompt": "x", "image_urls": ["{{outputs[3].url}}"]}
    task = world.create(
        "a kite", then=[child("b"), {"model": EDIT, "input": missing, "required": False}]
    )
    world.run()
    assert_group(task, "partial", ("then-0", "succeeded"), ("then-1", "failed"))
    error = children_of(world, task)[1].read()["error"]
    assert (error["code"], error["category"]) == ("parent_result_missing", "input")
    assert "outputs[3].url" in error["message"]
    assert "/input/image_urls/0" in error["message"]
    assert (figures(world)[0] - before[0], figures(world)[1]) == (8, before[1])


def test_what_was_never_filled_in_is_not_sent_by_a_retry(world: World) -> None:
    missing = {"prompt": "x", "image_urls": ["{{outputs[3].url}}"]}
    task = world.create("a kite", then=[{"model": EDIT, "input": missing}])
    world.run()
    [failed] = children_of(world, task)
    answer = world.http.post(f"/v1/tasks/{failed.task_id}/retry")
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/input/image_urls/0"]
    assert failed.accepted_creations() == 0


def test_a_value_that_does_not_fit_fails_that_child_alone(world: World) -> None:
    wrong = child("b", input={"prompt": "b", "aspect_ratio": "{{outputs[0].media}}"})
    task = world.create("a kite", then=[wrong])
    world.run()
    error = children_of(world, task)[0].read()["error"]
    assert error["code"] == "invalid_input"
    assert "/input/aspect_ratio: must be one of" in error["message"]


def test_a_task_that_expires_keeps_its_children_until_it_is_given_up(world: World) -> None:
    before = figures(world)
    task = world.create("a kite [slow 200]", deadline_seconds=60, then=[child("b")])
    world.run_for(100)
    assert_group(task, "failed", ("then-0", "pending"))
    world.run_for(200)
    world.run()
    assert task.end()[0] == "succeeded"
    assert_group(task, "succeeded", ("then-0", "succeeded"))
    assert figures(world)[0] - before[0] == 8


def test_a_canceled_task_has_no_followers(world: World) -> None:
    before = figures(world)
    task = world.create("a kite [slow 200]", then=[child("b")])
    assert figures(world)[1] - before[1] == 8
    task.cancel()
    assert_group(task, "failed", ("then-0", "skipped"))
    assert figures(world)[1] - before[1] == 4
    world.run()
    assert_group(task, "failed", ("then-0", "skipped"))


def test_a_group_is_canceled_as_a_whole(world: World) -> None:
    before = figures(world)
    then = [child("b [slow 200]", then=[child("c")])]
    task = world.create("a", then=then, **{"with": [child("d [slow 200]")]})
    world.run_for(60)
    assert_group(task, "running", ("with-0", "running"), ("then-0", "running"))
    url = f"/v1/tasks/{task.task_id}/cancel"
    assert world.http.post(url).status_code == 409
    assert world.http.post(url, params={"cascade": "true"}).status_code == 202
    assert_group(task, "failed", ("with-0", "canceled"), ("then-0", "canceled"))
    second = children_of(world, task)[1]
    assert_group(second, "failed", ("then-0", "skipped"))
    assert world.http.post(url, params={"cascade": "true"}).status_code == 409
    world.run_for(DAY + 4000)
    strike(world)
    world.run()
    # What Kie.ai made all the same is charged.
    assert (figures(world)[0] - before[0], figures(world)[1]) == (12, before[1])


def test_a_group_is_deleted_as_a_whole(world: World) -> None:
    task = world.create("a", then=[child("b", then=[child("c [slow 200]")])])
    world.run_for(100)
    [second] = children_of(world, task)
    [third] = children_of(world, second)
    answer = world.http.delete(f"/v1/tasks/{task.task_id}", params={"cascade": "true"})
    assert answer.status_code == 204
    for one in (task, second, third):
        assert world.http.get(f"/v1/tasks/{one.task_id}").status_code == 404
    world.run()


def test_a_child_that_was_deleted_is_shown_as_it_ended(world: World) -> None:
    task = world.create("a", then=[child("b")])
    world.run()
    [second] = children_of(world, task)
    assert world.http.delete(f"/v1/tasks/{second.task_id}").status_code == 204
    assert_group(task, "succeeded", ("then-0", "succeeded"))


def test_a_failed_task_is_retried_with_what_was_to_follow(world: World) -> None:
    task = world.create("a kite [fail 501 broken once]", then=[child("{{input.prompt}} b")])
    world.run()
    answer = world.http.post(f"/v1/tasks/{task.task_id}/retry")
    again = Story(world, answer.json()["id"], 0)
    assert [one["name"] for one in again.read()["children"]] == ["then-0"]


def test_a_plan_that_is_gone_is_not_waited_for_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has removed it from the bucket: the group ends, and nothing stays reserved."""
    # It is tried once a minute, all day.
    monkeypatch.setattr(sweep_tasks, "PLANS_AWAITED", timedelta(hours=1))
    before = figures(world)
    task = world.create("a kite [slow 60]", then=[child("b")])
    bucket, key = world.cloud.resources["AssetBucket"], f"inputs/alice/{task.task_id}/children.json"
    world.s3.delete_object(Bucket=bucket, Key=key)
    world.run_for(200)
    assert_group(task, "running", ("then-0", "pending"))
    world.run_for(3600)
    strike(world)
    assert_group(task, "failed", ("then-0", "skipped"))
    assert "children_skipped" in [entry["type"] for entry in task.timeline()]
    assert (figures(world)[0] - before[0], figures(world)[1]) == (4, before[1])


# --- credits and limits -------------------------------------------------------------------------


def test_the_whole_group_is_set_aside_at_once(world: World, owner: Owner) -> None:
    owner.give(11)
    follow = [child("b"), child("c")]
    refused = owner.ask(then=follow)
    assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_credits")
    assert "The 3 tasks cost about 12 credits" in refused.json()["detail"]
    assert world.creations() == []
    owner.give(1)
    task = owner.create(then=follow)
    assert owner.figures() == (0, 12, 0, 3)
    world.run()
    assert owner.figures() == (0, 0, 12, 0)
    assert task.read()["group_status"] == "succeeded"
    # Two grants; set aside for the first and for both to come, and then for each.
    assert owner.reasons()[2:] == ["reserve"] * 2 + ["charge"] + ["reserve"] * 2 + ["charge"] * 2


def test_children_count_as_tasks_at_once(world: World, owner: Owner) -> None:
    body = {"owner": owner.name, "name": "two", "tasks_at_once": 2}
    key = owner.admin.post("/v1/keys", json=body).json()["secret"]
    owner.http.headers["Authorization"] = f"Bearer {key}"
    refused = owner.ask(then=[child("b"), child("c")])
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_tasks")
    task = owner.create(then=[child("b")])
    assert owner.ask().status_code == 429
    world.run()
    assert task.read()["group_status"] == "succeeded"
    assert owner.ask().status_code == 202


def test_a_group_that_is_taken_back_gives_back_all_that_it_took(
    world: World, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was set aside for those beside went to nobody, and their large inputs stayed."""
    owner.give(12)
    beside = child("{{input.prompt}} at night")
    client = world.gateway("ApiFunction").clients.stepfunctions
    monkeypatch.setattr(client, "start_execution", refuse)
    more: dict[str, Any] = {"then": [child("c")], "with": [beside]}
    refused = owner.ask("a" * 4500, **more)
    assert refused.status_code == 503
    assert owner.figures() == (12, 0, 0, 0)
    assert world.objects(f"inputs/{owner.name}/") == []


# --- what can never be created ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"then": [child("{{outputs.url}}")]}, "/then/0/input/prompt", "there is no outputs.url"),
        ({"then": [child("{{nothing}}")]}, "/then/0/input/prompt", "there is no nothing"),
        ({"then": [child("{{input.negative}}")]}, "/then/0/input/prompt", "no input.negative"),
        ({"then": [child("{{result.what}}")]}, "/then/0/input/prompt", "no result.what"),
        ({"then": [child("{{ a b }}")]}, "/then/0/input/prompt", "is not a path"),
        ({"with": [child("{{outputs[0].url}}")]}, "/with/0/input/prompt", "use `then`"),
        (
            {"then": [child("x", input={"prompt": "{{outputs[0].width}}"})]},
            "/then/0/input/prompt",
            "must be text",
        ),
        (
            {"then": [child("x", input={"prompt": "{{outputs[*].url}}"})]},
            "/then/0/input/prompt",
            "must be text",
        ),
        (
            {"metadata": {"o": {}}, "then": [child("x {{metadata.o}}")]},
            "/then/0/input/prompt",
            "only texts",
        ),
        ({"then": [child("x", input={"promt": "x"})]}, "/then/0/input/prompt", "required"),
        ({"then": [child("x", name="a"), child("y", name="a")]}, "/then/1/name", "has this name"),
        ({"then": [child("x", name="a b")]}, "/then/0/name", "pattern"),
        ({"then": [child("x", color="red")]}, "/then/0/color", "unknown field"),
        ({"then": [child("b", then=[child("{{bad}}")])]}, "/then/0/then/0/input/prompt", "no bad"),
    ],
)
def test_what_can_never_be_created_is_refused_with_its_parent(
    world: World, body: dict[str, Any], pointer: str, words: str
) -> None:
    faults = refused(world, **body)
    assert any(place == pointer and words in detail for place, detail in faults), faults


def test_too_many_and_too_deep_is_refused(world: World) -> None:
    assert refused(world, then=[child("b")] * 19 + [child("c", name="x")]) == [
        ("/then", "at most 20 tasks in all; this asks for 21")
    ]
    deep: list[dict[str, Any]] = []
    for _ in range(4):
        deep = [child("b", then=deep)]
    assert refused(world, then=deep) == [
        ("/then/0/then/0/then/0/then/0", "at most 3 levels of tasks may follow a task")
    ]
