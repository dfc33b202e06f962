"""What the watch does next."""

from datetime import datetime
from typing import Any

import pytest

from kie_gateway.core.polling.decision import decide
from kie_gateway.core.task import Attention, Status, Step, Submission
from tests.makers import NOW, make_task, running_task, seconds, storing_task

DEADLINE = NOW + seconds(3600)


@pytest.mark.parametrize(
    ("task", "now", "step", "wait_until"),
    [
        pytest.param(running_task(), NOW, Step.ASK, NOW + seconds(60), id="running: ask when due"),
        pytest.param(
            running_task(), NOW + seconds(90), Step.ASK, NOW + seconds(90), id="overdue: ask now"
        ),
        pytest.param(running_task(), DEADLINE, Step.STALL, DEADLINE, id="deadline: stall"),
        pytest.param(
            make_task(submission=Submission.WAITING, next_at=NOW + seconds(7)),
            NOW,
            Step.SUBMIT,
            NOW + seconds(7),
            id="refused for now: submit when due",
        ),
        pytest.param(
            make_task(),
            NOW,
            Step.ASK,
            NOW + seconds(60),
            id="sending: look when the sender is dead",
        ),
        pytest.param(storing_task(), NOW, Step.STORE, NOW, id="storing: store"),
        pytest.param(
            storing_task(storing_until=NOW + seconds(40)),
            NOW,
            Step.STORE,
            NOW + seconds(40),
            id="another copy runs: store when it must be dead",
        ),
        pytest.param(
            storing_task(),
            DEADLINE + seconds(9),
            Step.STORE,
            DEADLINE + seconds(9),
            id="storing knows no deadline",
        ),
        pytest.param(
            storing_task(attention=Attention.STORAGE_FAILED, next_at=NOW + seconds(300)),
            NOW,
            Step.STORE,
            NOW + seconds(300),
            id="a person was told, and copying goes on",
        ),
        pytest.param(
            storing_task(status=Status.EXPIRED, attention=Attention.STORAGE_FAILED),
            NOW,
            Step.STALL,
            NOW,
            id="given up",
        ),
        pytest.param(running_task(status=Status.EXPIRED), NOW, Step.STALL, NOW, id="expired"),
        pytest.param(running_task(status=Status.SUCCEEDED), NOW, Step.NONE, NOW, id="succeeded"),
        pytest.param(running_task(status=Status.CANCELED), NOW, Step.NONE, NOW, id="canceled"),
    ],
)
def test_decision(task: Any, now: datetime, step: Step, wait_until: datetime) -> None:
    decision = decide(task, now)
    assert (decision.step, decision.wait_until) == (step, wait_until)
