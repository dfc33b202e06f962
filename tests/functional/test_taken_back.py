"""A creation whose watch cannot be started takes its task back, and its key is asked for again."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from kie_gateway.core.credits.reservation import Reservation, as_credits
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.flows.tasks.create_task import Created
from tests.functional.keyed import create_keyed
from tests.functional.story import Story
from tests.functional.world import World


def create(world: World, key: str) -> Created:
    return create_keyed(world, key, "same", Reservation(as_credits(4.0), 60))


def first_start_fails(world: World, patch: pytest.MonkeyPatch, *, is_started: bool) -> None:
    """Let the first watch not be started, or only its answer be lost."""
    client = world.gateway("ApiFunction").clients.stepfunctions
    start, starts = client.start_execution, iter(range(1000))

    def start_execution(**params: Any) -> Any:
        if next(starts):
            return start(**params)
        if is_started:
            start(**params)
        raise ReadTimeoutError(endpoint_url="https://aws.invalid")

    patch.setattr(client, "start_execution", start_execution)


# What the second request is about to do when the first takes the task back.
MOMENTS = [
    pytest.param(("tasks", "create"), id="nothing yet"),
    pytest.param(("tasks", "get"), id="read the task of the key"),
    pytest.param(("tasks", "move"), id="say that it tells somebody of the task"),
    pytest.param(("executions", "start"), id="start the watch"),
    pytest.param(None, id="nothing more"),
]


@pytest.mark.parametrize("is_started", [False, True], ids=["not started", "started"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_whoever_is_told_of_a_task_finds_it_later(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    moment: tuple[str, str] | None,
    is_started: bool,
) -> None:
    """A repeated request was answered 202, and its task was gone a moment later."""
    gateway, key = world.gateway("ApiFunction"), f"{moment} {is_started}"
    forget, second = gateway.tasks.forget, []

    def forget_meanwhile(*arguments: Any) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(gateway.tasks, "forget", forget)
            left = [arguments]
            if moment is not None:
                owner = getattr(gateway, moment[0])
                act = getattr(owner, moment[1])

                def act_after_the_first(*given: Any, **named: Any) -> Any:
                    if left:
                        forget(*left.pop())
                    return act(*given, **named)

                patch.setattr(owner, moment[1], act_after_the_first)
            second.append(create(world, key))
            if left:
                forget(*left.pop())

    with monkeypatch.context() as patch:
        first_start_fails(world, patch, is_started=is_started)
        patch.setattr(gateway.tasks, "forget", forget_meanwhile)
        with pytest.raises(BackendUnavailableError):
            create(world, key)
    third = create(world, key)
    assert third.replayed
    assert third.task.task_id == second[0].task.task_id
    world.run()
    task = Story(world, third.task.task_id, world.agenda.time())
    was_sent = not second[0].replayed
    assert task.read()["status"] == ("succeeded" if was_sent else "expired")
    assert task.accepted_creations() == int(was_sent)
    account = world.http.get("/v1/credits").json()
    assert account["open_tasks"] == 0
