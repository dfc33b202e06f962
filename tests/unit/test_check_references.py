"""References to earlier work at Kie.ai: found wherever they stand, refused where not one's own."""

from typing import Any

import pytest

from kie_gateway.core.errors import InvalidRequestError
from kie_gateway.core.task import Task
from kie_gateway.flows.check_references import check_references, references
from tests.makers import UPSTREAM_ID, running_task

ALICES = running_task()
BOBS = running_task(task_id="task_b", owner="bob")
DELETED = running_task(owner="deleted#alice")


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
    assert list(references(task_input, "/input")) == [(one, UPSTREAM_ID) for one in pointers]


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
        check_references({"taskId": UPSTREAM_ID}, "bob", lambda _: found)
    except InvalidRequestError as error:
        assert is_refused
        [fault] = error.faults
        assert (fault.pointer, fault.detail) == (
            "/input/taskId",
            "Kie.ai knows no such task of yours",
        )
    else:
        assert not is_refused
