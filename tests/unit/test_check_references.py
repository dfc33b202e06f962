"""References to earlier work at Kie.ai: found wherever they stand, refused where not one's own."""

from typing import Any

import pytest

from kie_gateway.core.errors.caller_errors import InvalidRequestError
from kie_gateway.core.results import Source
from kie_gateway.core.task import Task
from kie_gateway.flows.inputs.check_references import CheckReferences, Named, Reference, references
from tests.fakes import FakeTaskStore
from tests.makers import UPSTREAM_ID, running_task

TRACK_ID = "7f1c"
SOURCES = (Source("https://x.kie.ai/1.mp3", upstream_id=TRACK_ID),)

ALICES = running_task(sources=SOURCES)
BOBS = running_task(task_id="task_b", owner="bob")
BOBS_TRACK = running_task(task_id="task_b", owner="bob", sources=SOURCES)
DELETED = running_task(owner="deleted#alice", sources=SOURCES)


@pytest.mark.parametrize(
    ("task_input", "pointers"),
    [
        ({"taskId": UPSTREAM_ID, "index": 0}, ["/input/taskId"]),
        ({"task_id": UPSTREAM_ID}, ["/input/task_id"]),
        ({"TaskId": f" {UPSTREAM_ID} "}, ["/input/TaskId"]),
        ({"origin_task_id": UPSTREAM_ID}, ["/input/origin_task_id"]),
        ({"taskIds": [UPSTREAM_ID, 7, UPSTREAM_ID]}, ["/input/taskIds/0", "/input/taskIds/2"]),
        ({"a/b": [{"task-id": UPSTREAM_ID}]}, ["/input/a~1b/0/task-id"]),
        ({"prompt": "taskId", "task": UPSTREAM_ID, "taskId": None, "task_id": ""}, []),
        ({"taskId": 7}, []),
    ],
)
def test_an_id_is_found_under_all_its_names(
    task_input: dict[str, Any], pointers: list[str]
) -> None:
    found = list(references(task_input, "/input"))
    assert found == [Reference(Named.TASK, UPSTREAM_ID, one) for one in pointers]


@pytest.mark.parametrize("name", ["audioId", "audio_id", "Audio-ID", "sourceAudioId"])
def test_a_track_is_found_under_all_its_names(name: str) -> None:
    [found] = references({"a": [{name: TRACK_ID}]})
    assert found == Reference(Named.RESULT, TRACK_ID, f"/a/0/{name}")


def stored(tasks: list[Task]) -> FakeTaskStore:
    store = FakeTaskStore()
    for task in tasks:
        store.create(task, (), None)
    return store


@pytest.mark.parametrize(
    ("found", "is_refused"),
    [
        pytest.param([BOBS], False, id="one's own"),
        pytest.param([ALICES, BOBS], False, id="an upgrade of one's own"),
        pytest.param([], False, id="made elsewhere"),
        pytest.param([ALICES], True, id="another's"),
        pytest.param([DELETED], True, id="another's, deleted"),
    ],
)
def test_anothers_work_does_not_exist(found: list[Task], is_refused: bool) -> None:
    try:
        CheckReferences(stored(found))({"taskId": UPSTREAM_ID}, "bob")
    except InvalidRequestError as error:
        assert is_refused
        [fault] = error.faults
        assert (fault.pointer, fault.detail) == (
            "/input/taskId",
            "Kie.ai knows no such task of yours",
        )
    else:
        assert not is_refused


@pytest.mark.parametrize(
    ("found", "is_refused"),
    [
        pytest.param([BOBS_TRACK], False, id="one's own"),
        pytest.param([BOBS], False, id="made elsewhere"),
        pytest.param([ALICES], True, id="another's"),
        pytest.param([DELETED], True, id="another's, deleted"),
    ],
)
def test_anothers_track_does_not_exist(found: list[Task], is_refused: bool) -> None:
    """A song is extended by its own id, without the id of the task that made it."""
    try:
        CheckReferences(stored(found))({"audioId": TRACK_ID, "model": "V5"}, "bob")
    except InvalidRequestError as error:
        assert is_refused
        [fault] = error.faults
        assert (fault.pointer, fault.detail) == (
            "/input/audioId",
            "Kie.ai knows no such track of yours",
        )
    else:
        assert not is_refused
