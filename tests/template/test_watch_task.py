"""The machine's definition: complete, patient, and in the words that operators read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kie_gateway.core.task import Step
from sam_template.template import Template

ROOT = Path(__file__).parents[2]
PATH = ROOT / "statemachine" / "watch_task.asl.json"
DEFINITION: dict[str, Any] = json.loads(PATH.read_text())
STATES: dict[str, dict[str, Any]] = DEFINITION["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
RESOURCES = Template().document["Resources"]
# A redrive enters it again, which a catch would prevent (docs/decisions/0002).
WITHOUT_CATCH = "TaskStalled"


def next_states(state: dict[str, Any]) -> Iterator[str]:
    for holder in (state, *state.get("Choices", ()), *state.get("Catch", ())):
        if "Next" in holder:
            yield holder["Next"]
    if "Default" in state:
        yield state["Default"]


def test_every_way_leads_to_a_state_and_every_state_is_reached() -> None:
    reached, new = set(), {DEFINITION["StartAt"]}
    while new:
        name = new.pop()
        reached.add(name)
        new |= set(next_states(STATES[name])) - reached
    assert reached == STATES.keys()


def test_states_are_those_of_the_contract() -> None:
    names = {"WaitForWebhook", "ReadTask", "WhatIsMissing", "SubmitTask", "AskKie"}
    assert names | {"StoreResults", "TaskSettled", "TaskStalled"} <= STATES.keys()
    assert STATES["TaskSettled"]["Type"] == "Succeed"
    assert "TimestampPath" in STATES["WaitForWebhook"]


@pytest.mark.parametrize("name", TASKS)
def test_every_task_state_is_patient_and_never_stuck(name: str) -> None:
    state = TASKS[name]
    assert state["TimeoutSeconds"] > 0
    if name == WITHOUT_CATCH:
        return
    assert state["Catch"][0]["ErrorEquals"] == ["States.ALL"]
    for retry in state["Retry"]:
        assert retry["JitterStrategy"] == "FULL"
        assert retry["MaxDelaySeconds"] > 0
        assert "States.ALL" not in retry["ErrorEquals"]


def test_timeouts_are_no_shorter_than_the_function() -> None:
    limit = RESOURCES["WatchFunction"]["Properties"]["Timeout"]
    assert STATES["StoreResults"]["TimeoutSeconds"] >= limit


def test_it_routes_by_the_words_of_the_code() -> None:
    words = {
        choice["StringEquals"]
        for state in STATES.values()
        for choice in state.get("Choices", ())
        if "StringEquals" in choice
    }
    assert words == {step.value for step in Step}


def test_names_of_the_template_are_all_given() -> None:
    given = RESOURCES["WatchTask"]["Properties"]["DefinitionSubstitutions"]
    text = PATH.read_text()
    used = {part.split("}")[0] for part in text.split("${")[1:]}
    assert used == given.keys()


def test_the_file_is_formatted() -> None:
    assert PATH.read_text() == json.dumps(DEFINITION, indent=2, ensure_ascii=False) + "\n"
