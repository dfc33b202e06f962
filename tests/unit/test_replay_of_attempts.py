"""Reading history again: what was said of an attempt that is over is nothing of the one at work."""

from dataclasses import replace
from typing import Any

import pytest

from kie_gateway.core.alternatives import Attempt, AttemptStatus
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.files.bucket_keys import webhook_key
from kie_gateway.core.moves.alternative_moves import at_work
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.results import Source
from kie_gateway.core.task import Status
from kie_gateway.flows.polling.replay import Replay
from tests.fakes import FakeTaskStore
from tests.makers import NOW, RESULT_URL, TASK_ID, running_task


class Bodies:
    """An archive with one body for each id."""

    def __init__(self, *named: str) -> None:
        self._bodies = {webhook_key(running_task(), NOW, name): name.encode() for name in named}

    def keys(self, prefix: str) -> Any:
        return [key for key in self._bodies if key.startswith(prefix)]

    def get_raw(self, key: str) -> bytes:
        return self._bodies[key]

    def put_raw(self, key: str, body: bytes, content_type: str) -> None:
        raise AssertionError(key, body, content_type)


@pytest.mark.parametrize(("named", "is_read"), [("old", False), ("none", False), ("new", True)])
def test_only_bodies_about_the_attempt_at_work_are_read(named: str, *, is_read: bool) -> None:
    task = running_task(upstream_task_id="new")
    failure = Failure("500", Category.UPSTREAM, "x", retryable=True)
    over = Attempt(at_work(task), AttemptStatus.FAILED, failure, NOW, upstream_task_id="old")
    store = FakeTaskStore(replace(task, attempts=(over,)))
    replay = Replay(
        archive=Bodies(named),
        tasks=store,
        interpret=lambda *_: Finished("success", (Source(RESULT_URL),)),
        named=lambda raw: None if raw == b"none" else raw.decode(),
        follow=lambda one: one,
        now=lambda: NOW,
    )
    assert len(list(replay(TASK_ID))) == is_read
    assert store.the(task).status is (Status.STORING if is_read else Status.RUNNING)
