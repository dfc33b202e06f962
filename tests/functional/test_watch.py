"""What the machine `WatchTask` does, state by state, and what the roads cost."""

import json
import re
import time
from typing import Any

import pytest

from sam_template.template import ROOT, Template
from tests.functional.parts import parts_of
from tests.functional.story import Story
from tests.functional.world import World

BY_POLL = ("succeeded", "poll", None)

DEFINITION: dict[str, Any] = json.loads(Template().machine_definition("WatchTask"))

SETTLED_BY_WEBHOOK = ["WaitForWebhook", "ReadTask", "WhatIsMissing", "TaskSettled"]
UNTIL_ASKED = ["WaitForWebhook", "ReadTask", "WhatIsMissing", "AskKie", "WhatNext"]
A_FURTHER_POLL = ["WaitToAskAgain", "AskKie", "WhatNext"]
STORED_BY_THE_MACHINE = ["WaitToStore", "StoreResults", "WhatNext", "TaskSettled"]


def follow(definition: dict[str, Any], *steps: str) -> list[str]:
    """Follow the definition from its start, where the choices are given these steps."""
    left, state, entered = list(steps), definition["StartAt"], []
    while True:
        entered.append(state)
        found = definition["States"][state]
        if found["Type"] == "Choice":
            step = left.pop(0)
            [state] = [one["Next"] for one in found["Choices"] if one.get("StringEquals") == step]
        elif "Next" in found:
            state = found["Next"]
        else:
            return entered


def test_webhook_road_enters_four_states(world: World) -> None:
    task = world.create("a kite")
    world.run()
    assert task.states() == SETTLED_BY_WEBHOOK == follow(DEFINITION, "none")


def test_lost_webhook_road_is_the_one_of_the_picture(world: World) -> None:
    task = world.create("a kite [webhook lost] [slow 100]")
    world.run()
    assert task.states() == UNTIL_ASKED + A_FURTHER_POLL + STORED_BY_THE_MACHINE
    assert task.states() == follow(DEFINITION, "ask", "ask", "store", "none")
    picture = (ROOT / "README.md").read_text().split("```")[1]
    drawn = [name for name in re.findall(r"[A-Z]\w+", picture) if name in DEFINITION["States"]]
    on_the_way = [name for name in drawn if name in task.states()]
    assert set(task.states()) - set(on_the_way) == {"WhatNext", "WaitToStore"}
    assert on_the_way == [
        *("WaitForWebhook", "ReadTask", "WhatIsMissing", "TaskSettled"),
        *("AskKie", "WaitToAskAgain", "AskKie", "StoreResults", "TaskSettled"),
    ]


@pytest.mark.parametrize("further_polls", [0, 1, 2, 3])
def test_a_further_poll_enters_three_states(world: World, further_polls: int) -> None:
    # The first poll is due after 69 s, the further ones after 103, 144 and 216.
    seconds = (60, 100, 140, 200)[further_polls]
    task = world.create(f"a kite [webhook lost] [slow {seconds}]")
    world.run()
    assert task.states() == UNTIL_ASKED + further_polls * A_FURTHER_POLL + STORED_BY_THE_MACHINE


def test_refused_creation_is_handed_over_to_a_second_execution(world: World) -> None:
    task = world.create("a kite [create 429 x2]")
    world.run()
    first = task.execution()
    assert (first["status"], task.states()) == ("ABORTED", ["WaitForWebhook"])
    assert task.states(watch=2) == follow(DEFINITION, "submit", "submit", "ask", "none")
    assert task.execution(watch=2)["status"] == "SUCCEEDED"


NEVER_DONE = "a kite [webhook lost] [slow 5000]"


@pytest.mark.parametrize(
    ("model", "task_input", "first_poll", "second_poll"),
    [
        ("google/nano-banana", {"prompt": NEVER_DONE}, 69, 103),
        ("elevenlabs/text-to-speech-turbo-2-5", {"text": NEVER_DONE}, 16, 23),
        ("kling-2.6/text-to-video", {"prompt": NEVER_DONE, "sound": False}, 229, 342),
    ],
)
def test_polls_follow_the_models_typical_time(
    world: World, model: str, task_input: dict[str, Any], first_poll: int, second_poll: int
) -> None:
    task = world.create("", model=model, input=task_input)
    world.run_for(second_poll)
    assert task.told()[1:] == [f"{first_poll} kie_asked", f"{second_poll} kie_asked"]


# --- What the roads cost ----------------------------------------------------------------------


def test_webhook_road_calls_kie_once(world: World) -> None:
    world.create("a kite")
    world.run()
    assert world.functions.calls.kie == [("ApiFunction", "createTask")]


def test_lost_webhook_costs_one_question(world: World) -> None:
    world.create("a kite [webhook lost]")
    world.run()
    assert world.functions.calls.kie == [
        ("ApiFunction", "createTask"),
        ("WatchFunction", "recordInfo"),
    ]


@pytest.fixture
def lasting_memory(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what functions remember for a while of real time last for the whole test."""
    started = time.monotonic()
    for function in ("ApiFunction", "CallbackFunction", "StoreFunction", "WatchFunction"):
        memories = [part for part in parts_of(world.gateway(function)) if hasattr(part, "_clock")]
        assert memories
        for memory in memories:
            monkeypatch.setattr(memory, "_clock", lambda: started)


@pytest.mark.usefixtures("lasting_memory")
def test_calls_of_aws(world: World) -> None:
    """Keys, secrets and accounts without limits are read by a process's first task only."""
    world.create("warms up [webhook unreadable]")
    world.create("warms up [webhook lost] [slow 100]")
    world.run()
    world.functions.calls.aws.clear()

    task = world.create("a kite [slow 100]")
    assert asked_of_aws(world) == {
        "ApiFunction": [
            # The submit queue; the task with its reservation.
            *("GetItem", "TransactWriteItems"),
            # Its watch; what Kie.ai answered.
            *("StartExecution", "TransactWriteItems"),
        ]
    }
    task.read()
    assert asked_of_aws(world) == {"ApiFunction": ["GetItem"]}
    world.run_for(70)
    assert task.told()[-1] == "69 kie_asked"
    assert asked_of_aws(world)["WatchFunction"] == ["GetItem", "TransactWriteItems"]
    world.run_for(30)
    assert task.told()[-1].startswith("100 webhook_accepted")
    assert asked_of_aws(world) == {
        "ApiFunction": ["GetItem", "Query"],
        "CallbackFunction": ["GetItem", "TransactWriteItems", "SendMessage", "PutObject"],
        "StoreFunction": [
            # The last is the end of the task with its charge.
            *("GetItem", "TransactWriteItems", "PutObject", "TransactWriteItems"),
            # How long it took, for the schedule of the next ones.
            "UpdateItem",
        ],
    }


def asked_of_aws(world: World) -> dict[str, list[str]]:
    """Tell what each function has asked of AWS since this was last looked at."""
    asked: dict[str, list[str]] = {}
    for function, call in world.functions.calls.aws:
        asked.setdefault(function, []).append(call)
    world.functions.calls.aws.clear()
    return asked


# --- TaskStalled ------------------------------------------------------------------------------


def cause(task: Story, watch: int = 1) -> str:
    execution = task.execution(watch)
    assert (execution["status"], execution["error"]) == ("FAILED", "TaskStalledError")
    told: str = json.loads(execution["cause"])["errorMessage"]
    return told


def expired(world: World, prompt: str = "a kite [webhook lost] [slow 5000]") -> Story:
    """Let a task's deadline pass while Kie.ai still works."""
    task = world.create(prompt, deadline_seconds=200)
    world.run_for(201)
    assert task.end() == ("expired", None, "stalled")
    return task


def test_cause_says_what_is_known_and_what_to_do(world: World) -> None:
    task = expired(world)
    upstream_id = task.read()["upstream"]["task_id"]
    deadline = task.read()["deadline_at"][:19].replace("T", " ")
    assert cause(task) == (
        f"{task.task_id} (google/nano-banana, {upstream_id}): no verdict from Kie.ai by"
        f" {deadline}Z. Last answer: waiting, asked 4 times. Redrive this execution or"
        " POST /refresh to ask again; a late webhook still settles the task."
    )


def test_cause_of_a_creation_that_was_never_answered(world: World) -> None:
    task = world.create("a kite [create drop] [webhook lost]", deadline_seconds=200)
    world.run()
    told = cause(task)
    assert f"{task.task_id} (google/nano-banana, no id at Kie.ai)" in told
    assert "RemoteProtocolError" in told
    assert "Creating it again may cost twice" in told


def test_cause_of_a_creation_that_kie_never_took(world: World) -> None:
    task = world.create("a kite [create 429 x1000]", deadline_seconds=200)
    world.run()
    told = cause(task, watch=task.watches())
    assert "Kie.ai accepted no creation" in told
    assert "Your call frequency is too high" in told
    assert "Nothing was charged" in told
    assert task.end() == ("expired", None, "stalled")
    assert task.accepted_creations() == 0


def test_cause_of_files_that_could_not_be_copied(world: World) -> None:
    task = world.create("a kite [file gone]")
    world.run()
    told = cause(task)
    assert "its files could not be copied after 31 attempts" in told
    assert "answered with status 404" in told
    assert "neither generates" in told


def test_fresh_execution_of_an_expired_task_asks_again_and_settles(world: World) -> None:
    task = expired(world)
    world.run_for(5000)
    watch = task.watch_anew()
    assert task.states(watch) == [*UNTIL_ASKED, "TaskStalled", "WhatNext", *STORED_BY_THE_MACHINE]
    assert task.end() == BY_POLL
    assert task.accepted_creations() == 1


def test_fresh_execution_of_an_expired_task_stalls_again_without_a_verdict(world: World) -> None:
    task = expired(world)
    world.run_for(1000)
    watch = task.watch_anew()
    assert "asked 5 times" in cause(task, watch)
    assert task.end() == ("expired", None, "stalled")


def test_fresh_execution_of_a_task_with_failed_copies_copies_again(world: World) -> None:
    task = world.create("a kite [file gone]")
    world.run()
    world.run_for(60)
    watch = task.watch_anew()
    assert task.told()[-1].endswith(" refreshed storing_started storing_failed")
    world.run()
    # Somebody has asked for it, so it is tried for ten minutes more.
    assert "after 6 attempts" in cause(task, watch)
    assert task.end() == ("expired", "webhook", "storage_failed")


def test_refresh_of_an_expired_task_asks_again_and_settles(world: World) -> None:
    task = expired(world)
    world.run_for(5000)
    assert task.refresh().status_code == 200
    assert task.end() == ("succeeded", "refresh", None)
    assert task.accepted_creations() == 1
    world.run()
    assert task.execution(watch=2)["status"] == "SUCCEEDED"


def test_refresh_of_an_expired_task_without_a_verdict_changes_nothing(world: World) -> None:
    task = expired(world)
    assert task.refresh().json()["status"] == "expired"
    assert task.told()[-1].endswith("kie_asked")


def test_late_webhook_settles_an_expired_task(world: World) -> None:
    task = expired(world, "a kite [slow 5000]")
    world.run()
    assert task.end() == ("succeeded", "webhook", None)
    assert task.told()[-1] == (
        "5000 webhook_accepted watch_started storing_started stored succeeded"
    )
    assert task.execution(watch=2)["status"] == "SUCCEEDED"


def test_late_unclear_webhook_of_an_expired_task_is_looked_into(world: World) -> None:
    task = expired(world, "a kite [slow 5000] [webhook unreadable]")
    world.run()
    assert task.end()[0] == "succeeded"
    assert task.execution(watch=2)["status"] == "SUCCEEDED"


# --- What should not happen -------------------------------------------------------------------


def test_record_that_is_gone_ends_its_watch_quietly(world: World) -> None:
    """A record withdrawn after its watch had been started rang the alarm for stuck tasks."""
    task = world.create("a kite [webhook lost]")
    world.dynamodb.delete_item(**world.record_key(task))
    world.run()
    assert task.execution()["status"] == "SUCCEEDED"
    assert task.states() == [*UNTIL_ASKED[:3], "RecordGone"]


def test_record_that_goes_while_it_is_watched_fails_its_watch(world: World) -> None:
    task = world.create("a kite [webhook lost] [slow 100]")
    world.run_for(70)
    world.dynamodb.delete_item(**world.record_key(task))
    world.run()
    execution = task.execution()
    assert (execution["status"], execution["error"]) == ("FAILED", "TaskNotFoundError")
    assert task.task_id in execution["cause"]
