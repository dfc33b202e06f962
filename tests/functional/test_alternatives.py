"""`fallback`: other models are tried, but only when it is certain that nothing is being made."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.functional.story import Story
from tests.functional.test_reconcile import Run, run  # noqa: F401 - a fixture
from tests.functional.world import MODEL, OWNER, World

SECOND, THIRD = "nano-banana-2", "nano-banana-pro"
PRICE, SECOND_PRICE, THIRD_PRICE = 4.0, 8.0, 18.0
RETIRED = "sora-2-text-to-video"
FALLBACK = [{"model": SECOND}]
SUCCEEDED = ("succeeded", "webhook", None)


def figures(world: World) -> tuple[float, float, int]:
    account = world.http.get("/v1/credits").raise_for_status().json()
    return account["spent"], account["reserved"], account["open_tasks"]


def spent_since(world: World, before: tuple[float, float, int]) -> float:
    """Tell what was spent; whatever was reserved since is released."""
    after = figures(world)
    assert after[1:] == before[1:]
    return after[0] - before[0]


def attempts(task: Story) -> list[tuple[str, str, float | None]]:
    return [(one["model"], one["status"], one["credits"]) for one in task.read()["attempts"]]


def fell_back(task: Story) -> list[tuple[str, str]]:
    entries = [one["facts"] for one in task.timeline() if one["type"] == "fell_back"]
    return [(facts["from"], facts["to"]) for facts in entries]


def refused(world: World, **body: Any) -> list[dict[str, str]]:
    given = {"model": MODEL, "input": {"prompt": "a kite"}, **body}
    answer = world.http.post("/v1/tasks", json=given)
    assert answer.status_code == 422, answer.text
    faults: list[dict[str, str]] = answer.json()["errors"]
    return faults


def kie_tasks(world: World) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = httpx.get(f"{world.kie.base_url}/sim/tasks").json()
    return tasks


# --- when another model is tried ----------------------------------------------------------------


@pytest.mark.parametrize(
    "dial", ["create 422 model", "create 500 paused", "create 505", "create 404", "create 531"]
)
def test_a_model_that_is_not_offered_gives_way_to_the_next(world: World, dial: str) -> None:
    before = figures(world)
    task = world.create(f"a kite [{MODEL}: {dial}]", fallback=FALLBACK)
    world.run_for(3)
    assert task.end() == SUCCEEDED
    told = task.read()
    assert (told["model"], told["error"]) == (SECOND, None)
    assert told["credits"] == {"estimated": SECOND_PRICE, "charged": SECOND_PRICE}
    assert attempts(task) == [(MODEL, "refused", 0), (SECOND, "succeeded", SECOND_PRICE)]
    assert fell_back(task) == [(MODEL, SECOND)]
    assert len(task.stored_files()) == 1
    assert task.accepted_creations() == 1
    assert spent_since(world, before) == SECOND_PRICE
    world.run()


@pytest.mark.parametrize("dials", ["", "[webhook lost]"], ids=["webhook", "poll"])
def test_a_failure_that_is_not_the_inputs_gives_way_to_the_next(world: World, dials: str) -> None:
    before = figures(world)
    task = world.create(f"a kite [{MODEL}: fail] {dials}", fallback=FALLBACK)
    world.run()
    told = task.read()
    assert (told["status"], told["model"], told["attention"]) == ("succeeded", SECOND, None)
    assert attempts(task) == [(MODEL, "failed", 0), (SECOND, "succeeded", SECOND_PRICE)]
    assert told["attempts"][0]["error"]["category"] == "upstream"
    assert told["upstream"]["task_id"] == kie_tasks(world)[-1]["taskId"]
    assert task.accepted_creations() == 2
    assert spent_since(world, before) == SECOND_PRICE
    assert task.last_execution()["status"] == "SUCCEEDED"


def test_a_failure_that_a_webhook_tells_of_does_not_wait_for_the_next_question(
    world: World,
) -> None:
    task = world.create(f"a kite [{MODEL}: fail]", fallback=FALLBACK)
    world.run_for(6)
    assert task.end() == SUCCEEDED, task.told()
    world.run()


def test_a_refresh_that_finds_a_failure_has_the_next_one_tried(world: World) -> None:
    task = world.create(f"a kite [{MODEL}: fail] [{MODEL}: webhook lost]", fallback=FALLBACK)
    world.run_for(10)
    assert task.refresh().json()["status"] == "queued"
    world.run_for(6)
    assert task.end() == SUCCEEDED, task.told()
    world.run()


def test_all_are_tried_in_order_and_the_last_failure_is_the_tasks(world: World) -> None:
    before = figures(world)
    prompt = f"a kite [{MODEL}: create 505] [{SECOND}: fail] [{THIRD}: fail 501 at last]"
    task = world.create(prompt, fallback=[{"model": SECOND}, {"model": THIRD}])
    world.run()
    told = task.read()
    assert (told["status"], told["model"], told["error"]["message"]) == ("failed", THIRD, "at last")
    assert attempts(task) == [(MODEL, "refused", 0), (SECOND, "failed", 0), (THIRD, "failed", 0)]
    assert [one["error"]["code"] for one in told["attempts"]] == ["505", "500", "501"]
    assert fell_back(task) == [(MODEL, SECOND), (SECOND, THIRD)]
    assert spent_since(world, before) == 0


def test_an_alternative_has_its_own_input(world: World) -> None:
    own = {"prompt": "a ship", "resolution": "1K"}
    task = world.create("a kite [create 505]", fallback=[{"model": SECOND, "input": own}])
    world.run()
    assert task.read()["input"] == own
    assert kie_tasks(world)[-1]["input"] == own


def test_a_large_input_is_sent_whole_to_whichever_model(world: World) -> None:
    prompt = f"{'kite ' * 900} [{MODEL}: create 505] [{SECOND}: create 505]"
    other = {"prompt": f"{'ship ' * 900} [{SECOND}: create 505]"}
    task = world.create(prompt, fallback=[{"model": SECOND, "input": other}, {"model": THIRD}])
    world.run()
    assert task.read()["input"] == {"prompt": prompt}
    assert kie_tasks(world)[-1]["input"] == {"prompt": prompt}
    folder = f"inputs/{OWNER}/{task.task_id}"
    assert world.objects(folder) == [f"{folder}/input-1.json", f"{folder}/input.json"]
    assert world.http.delete(f"/v1/tasks/{task.task_id}").status_code == 204
    assert world.objects(folder) == []


# --- when none is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dial",
    [
        *("create 500 required", "create 422 length", "refuse", "fail download"),
        "fail 400 not this",
    ],
)
def test_what_is_the_inputs_fault_is_no_reason(world: World, dial: str) -> None:
    task = world.create(f"a kite [{MODEL}: {dial}]", fallback=FALLBACK)
    world.run()
    assert task.read()["status"] == "failed"
    assert task.read()["error"]["category"] in ("input", "content_policy")
    assert [model for model, *_ in attempts(task)] == [MODEL]


@pytest.mark.parametrize("dial", ["create drop", "create 500", "create 500 code", "create empty"])
@pytest.mark.parametrize("ends", ["", "[never]"], ids=["arrives", "never arrives"])
def test_while_the_outcome_is_unknown_nothing_else_is_tried(
    world: World, dial: str, ends: str
) -> None:
    """Kie.ai took it, and a second model would have been paid beside it."""
    task = world.create(f"a kite [{dial}] {ends}", fallback=FALLBACK, deadline_seconds=600)
    assert task.read()["attention"] == "submission_unknown"
    world.run()
    assert task.read()["status"] == ("expired" if ends else "succeeded")
    assert [model for model, *_ in attempts(task)] == [MODEL]
    assert task.accepted_creations() == 1


def test_a_creation_that_is_lost_and_then_surely_fails_gives_way(world: World) -> None:
    task = world.create(f"a kite [{MODEL}: create drop] [{MODEL}: fail]", fallback=FALLBACK)
    world.run()
    assert task.read()["model"] == SECOND
    assert task.end()[0] == "succeeded"


def test_after_the_deadline_nothing_else_is_tried(world: World) -> None:
    task = world.create(
        f"a kite [{MODEL}: fail] [webhook lost] [slow 70]", fallback=FALLBACK, deadline_seconds=60
    )
    world.run()
    task.refresh()
    world.run()
    assert (task.read()["status"], task.read()["model"]) == ("failed", MODEL)


# --- max_credits --------------------------------------------------------------------------------


def test_what_is_too_dear_is_passed_over(world: World) -> None:
    before = figures(world)
    fallback = [{"model": THIRD}, {"model": SECOND}]
    task = world.create(f"a kite [{MODEL}: fail]", fallback=fallback, max_credits=10)
    assert figures(world)[1] - before[1] == SECOND_PRICE
    world.run()
    assert attempts(task) == [(MODEL, "failed", 0), (SECOND, "succeeded", SECOND_PRICE)]
    assert task.read()["max_credits"] == 10
    assert spent_since(world, before) == SECOND_PRICE


def test_nothing_that_fits_is_left(world: World) -> None:
    task = world.create(f"a kite [{MODEL}: fail]", fallback=FALLBACK, max_credits=5)
    world.run()
    assert (task.read()["status"], task.read()["model"]) == ("failed", MODEL)


def test_the_first_model_has_to_fit(world: World) -> None:
    [fault_] = refused(world, max_credits=3, fallback=FALLBACK)
    assert fault_ == {
        "pointer": "/max_credits",
        "detail": f"{MODEL} is expected to cost 4 credits",
    }


def test_what_is_set_aside_does_for_the_dearest_and_the_charge_is_what_it_cost(
    world: World,
) -> None:
    before = figures(world)
    task = world.create("a kite", fallback=[{"model": THIRD}, {"model": SECOND}])
    assert figures(world)[1] - before[1] == THIRD_PRICE
    world.run()
    assert attempts(task) == [(MODEL, "succeeded", PRICE)]
    assert spent_since(world, before) == PRICE


def test_the_ledger_adds_up(world: World, run: Run) -> None:  # noqa: F811
    world.create(f"a kite [{MODEL}: fail]", fallback=[{"model": THIRD}])
    world.create("a kite", fallback=[{"model": THIRD}])
    world.create("a kite [fail]", fallback=[{"model": THIRD}])
    world.create(
        f"a kite [{MODEL}: fail] [{THIRD}: create drop] [never]", fallback=[{"model": THIRD}]
    )
    canceled = world.create(f"a kite [{MODEL}: create 505] [slow 60]", fallback=FALLBACK)
    world.run_for(5)
    canceled.cancel()
    world.create(f"a kite [{MODEL}: create 505]", fallback=FALLBACK)
    code, said = run()
    assert code == 0, said
    world.run()
    code, said = run()
    assert code == 0, said


# --- the request --------------------------------------------------------------------------------


def test_a_retired_model_gives_way_before_anything_is_sent(world: World) -> None:
    task = world.create("a kite", model=RETIRED, fallback=FALLBACK)
    world.run()
    assert attempts(task) == [(RETIRED, "refused", 0), (SECOND, "succeeded", SECOND_PRICE)]
    assert task.read()["attempts"][0]["error"]["code"] == "model_retired"
    assert [one["model"] for one in world.creations()] == [SECOND]
    assert task.told()[0] == "0 created fell_back submission_started submitted"


def test_retired_models_are_passed_over_when_it_is_their_turn(world: World) -> None:
    fallback = [{"model": RETIRED, "input": {"prompt": "x"}}, {"model": SECOND}]
    task = world.create(f"a kite [{MODEL}: fail]", fallback=fallback)
    world.run()
    assert [model for model, *_ in attempts(task)] == [MODEL, RETIRED, SECOND]


def test_every_fault_of_every_model_is_named(world: World) -> None:
    fallback = [
        {"model": SECOND, "input": {"prompt": 7}},
        {"model": THIRD, "input": {"promt": "a kite"}},
    ]
    pointers = [one["pointer"] for one in refused(world, fallback=fallback)]
    assert pointers == [
        "/fallback/0/input/prompt",
        "/fallback/1/input/promt",
        "/fallback/1/input/prompt",
    ]


@pytest.mark.parametrize(
    ("fallback", "pointer"),
    [
        ([{"model": MODEL}], "/fallback/0"),
        ([{"model": SECOND}, {"model": SECOND, "input": {"prompt": "a kite"}}], "/fallback/1"),
        ([{"model": SECOND}, {"model": "no model"}], "/fallback/1/model"),
        ([{"model": SECOND, "extra": 1}], "/fallback/0/extra"),
        ([{"model": SECOND, "input": {"callBackUrl": "x"}}], "/fallback/0/input"),
        ([{"model": f"m{n}"} for n in range(4)], "/fallback"),
        (
            [
                {
                    "model": SECOND,
                    "input": {
                        "prompt": "x",
                        "image_input": ["kg-upload://upload_01kjd3x7h8000000000000000a.png"],
                    },
                }
            ],
            "/fallback/0/input/image_input/0",
        ),
    ],
)
def test_a_fallback_that_cannot_be_is_refused(world: World, fallback: Any, pointer: str) -> None:
    assert [one["pointer"] for one in refused(world, fallback=fallback)] == [pointer]


def test_a_field_that_only_the_first_model_has_is_a_fault_of_the_other(world: World) -> None:
    given = {"prompt": "a kite", "image_size": "1:1"}
    [fault] = refused(world, input=given, fallback=FALLBACK)
    assert fault["pointer"] == "/fallback/0/input/image_size"


def test_only_retired_models_are_refused(world: World) -> None:
    [first] = refused(world, model=RETIRED)
    assert first["pointer"] == "/model"


def test_a_retry_begins_with_the_first_model_again(world: World) -> None:
    prompt = f"{'kite ' * 900} [fail]"
    task = world.create(prompt, fallback=[{"model": SECOND}], max_credits=9)
    world.run()
    assert [model for model, *_ in attempts(task)] == [MODEL, SECOND]
    answer = world.http.post(f"/v1/tasks/{task.task_id}/retry").raise_for_status().json()
    world.settle_down()
    again = Story(world, answer["id"], world.agenda.time())
    assert (answer["model"], answer["max_credits"]) == (MODEL, 9)
    world.run()
    assert attempts(again) == [(MODEL, "failed", 0), (SECOND, "failed", 0)]
    assert again.read()["input"] == {"prompt": prompt}


# --- the documentation --------------------------------------------------------------------------


def test_the_documented_request_is_answered_as_documented(world: World) -> None:
    page = (Path(__file__).parents[2] / "docs" / "several-tasks.md").read_text()
    section = page[page.index("## Alternatives") :]
    command = re.findall(r"```console\n\$ curl.*?```", section, re.DOTALL)[0]
    [sent] = re.findall(r"-d '(\{.*?\})'\n", command, re.DOTALL)
    world.http.post("/v1/tasks", json=json.loads(sent)).raise_for_status()
    world.settle_down()
    task = world.newest_task()
    world.run()
    told = task.read()
    answer = command[command.index(sent) :]
    for name in ("attempts", "credits", "max_credits", "model", "status", "error"):
        written = json.dumps({name: told[name]}, separators=(",", ":"))[1:-1]
        assert written in re.sub(r"\n *", "", answer), name
