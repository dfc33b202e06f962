"""Two or more roads come to the same task at the same moment; it is stored, and paid for, once."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kie_gateway.core.errors.caller_errors import IdempotencyMismatchError
from kie_gateway.flows.tasks.create_task import Created
from tests.functional.keyed import create_keyed
from tests.functional.story import Story
from tests.functional.world import OWNER, World

PATIENCE_SECONDS = 10.0
TEN_TIMES = [pytest.param(None, id=f"at once {n}") for n in range(10)]
A_FEW_TIMES = TEN_TIMES[:3]


class Meeting:
    """
    Lets everybody who is about to write wait for the others.

    All of them have read the record before, and decided on what they read.

    Args:
        parties: How many are expected; who comes later does not wait.
        first: Who writes before the others do; None lets all write at once.
    """

    def __init__(self, parties: int, first: str | None = None) -> None:
        self._barrier = threading.Barrier(parties)
        self._places = [None] * parties
        self._first = first
        self._written = threading.Event()

    def before(
        self, act: Callable[..., Any], who: str = "", *, from_call: int = 1
    ) -> Callable[..., Any]:
        """Have callers meet before they do something, from their nth call on."""
        calls = iter(range(1, 1000))

        def met(*arguments: Any, **named: Any) -> Any:
            if next(calls) < from_call or not self._places:
                return act(*arguments, **named)
            self._places.pop()
            self._barrier.wait(PATIENCE_SECONDS)
            if self._first not in (None, who):
                assert self._written.wait(PATIENCE_SECONDS)
            try:
                return act(*arguments, **named)
            finally:
                self._written.set()

        return met


def meet(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    *functions: str,
    parties: int = 2,
    first: str | None = None,
) -> None:
    """Let functions that have read a task write at the same moment."""
    meeting = Meeting(parties, first)
    for function in functions:
        tasks = world.gateway(function).tasks
        monkeypatch.setattr(tasks, "move", meeting.before(tasks.move, function))


def happened(task: Story) -> Counter[str]:
    return Counter(entry["type"] for entry in task.timeline())


def assert_stored_once(world: World, task: Story) -> None:
    told = happened(task)
    assert task.read()["status"] == "succeeded"
    assert (told["storing_started"], told["stored"], told["succeeded"]) == (1, 1, 1)
    assert len(task.stored_files()) == len(world.functions.calls.copies) == 1
    assert task.accepted_creations() == 1


def test_five_webhooks_at_once_store_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    meet(world, monkeypatch, "CallbackFunction", parties=5)
    task = world.create("a kite [webhook x5]")
    world.run()
    assert_stored_once(world, task)
    told = happened(task)
    assert (told["webhook_accepted"], told["webhook_duplicate"]) == (1, 4)
    assert world.functions.calls.aws.count(("CallbackFunction", "SendMessage")) == 1


def test_five_messages_at_once_store_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        sqs = world.gateway("CallbackFunction").clients.sqs
        patch.setattr(sqs, "send_message", lambda **_: {})
        task = world.create("a kite")
        world.run_for(2)
    meet(world, monkeypatch, "StoreFunction", parties=5)
    body = json.dumps({"task_id": task.task_id, "step": "store"})
    event = {"Records": [{"messageId": "1", "receiptHandle": "none", "body": body}]}
    with ThreadPoolExecutor(5) as pool:
        invoked = [pool.submit(world.cloud.invoke, "StoreFunction", event) for _ in range(5)]
        unfinished = [one.result()["batchItemFailures"] for one in invoked]
    assert_stored_once(world, task)
    # Who did not copy looks again later whether the copy has come through.
    assert sum(1 for messages in unfinished if messages) <= 4


@pytest.mark.parametrize("first", ["CallbackFunction", "WatchFunction", *TEN_TIMES])
def test_webhook_and_poll_store_once(
    world: World, monkeypatch: pytest.MonkeyPatch, first: str | None
) -> None:
    meet(world, monkeypatch, "CallbackFunction", "WatchFunction", first=first)
    task = world.create("a kite [webhook late 67.5]")
    world.run()
    assert_stored_once(world, task)
    told = happened(task)
    by = "webhook" if told["webhook_accepted"] else "poll"
    assert first in (None, {"webhook": "CallbackFunction", "poll": "WatchFunction"}[by])
    assert task.end() == ("succeeded", by, None)
    assert told["webhook_accepted"] + told["result_reported"] == 1
    assert told["webhook_duplicate"] == told["result_reported"]
    assert task.execution()["status"] == "SUCCEEDED"


@pytest.mark.parametrize("first", ["ApiFunction", "CallbackFunction", *A_FEW_TIMES])
def test_webhook_and_answer_to_the_creation_store_once(
    world: World, monkeypatch: pytest.MonkeyPatch, first: str | None
) -> None:
    meet(world, monkeypatch, "ApiFunction", "CallbackFunction", first=first)
    task = world.create("a kite [slow 0]")
    world.run()
    assert_stored_once(world, task)
    told = happened(task)
    assert first in (None, "ApiFunction" if told["submitted"] else "CallbackFunction")
    assert task.end() == ("succeeded", "webhook", None)
    assert task.read()["upstream"]["task_id"] == world.creations()[0]["taskId"]


@pytest.mark.parametrize("first", ["ApiFunction", "CallbackFunction", *A_FEW_TIMES])
def test_cancellation_and_webhook_deliver_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, first: str | None
) -> None:
    task = world.create("a kite")
    meet(world, monkeypatch, "ApiFunction", "CallbackFunction", first=first)
    with ThreadPoolExecutor(1) as pool, monkeypatch.context() as patch:
        # Otherwise the files could be stored before whoever lost tries again.
        patch.setattr(world.messages, "deliver", lambda: False)
        canceled = pool.submit(task.cancel)
        world.go_on()
        assert canceled.result().status_code == 202
    world.run()
    told = happened(task)
    assert first in (None, "ApiFunction" if told["webhook_duplicate"] else "CallbackFunction")
    assert task.end()[0] == "canceled"
    assert told["webhook_accepted"] + told["webhook_duplicate"] == told["canceled"] == 1
    assert told["stored"] == 0
    assert world.objects(f"outputs/{OWNER}/{task.task_id}") == []
    assert task.execution()["status"] == "SUCCEEDED"


@pytest.mark.parametrize("first", ["ApiFunction", "StoreFunction", *A_FEW_TIMES])
def test_cancellation_and_end_agree_on_the_files(
    world: World, monkeypatch: pytest.MonkeyPatch, first: str | None
) -> None:
    """Either it was canceled, and its files are gone, or it was too late for that."""
    task = world.create("a kite")
    meeting = Meeting(2, first)
    api, store = world.gateway("ApiFunction").tasks, world.gateway("StoreFunction").tasks
    monkeypatch.setattr(api, "move", meeting.before(api.move, "ApiFunction"))
    # Its first move takes the right to copy, its second one says that all is stored.
    monkeypatch.setattr(store, "move", meeting.before(store.move, "StoreFunction", from_call=2))
    with ThreadPoolExecutor(1) as pool:
        canceled = pool.submit(task.cancel)
        world.go_on()
        status = canceled.result().status_code
    world.run()
    assert first in (None, "ApiFunction" if status == 202 else "StoreFunction")
    assert len(world.functions.calls.copies) == 1
    files = len(world.objects(f"outputs/{OWNER}/{task.task_id}"))
    assert (status, task.read()["status"], files) in ((202, "canceled", 0), (409, "succeeded", 1))


@pytest.mark.parametrize("first", ["ApiFunction", "CallbackFunction", *A_FEW_TIMES])
def test_refresh_and_late_webhook_of_an_expired_task_store_once(
    world: World, monkeypatch: pytest.MonkeyPatch, first: str | None
) -> None:
    task = world.create("a kite [slow 100] [webhook late 200]", deadline_seconds=60)
    world.run_for(299)
    assert task.end()[0] == "expired"
    meet(world, monkeypatch, "ApiFunction", "CallbackFunction", first=first)
    with ThreadPoolExecutor(1) as pool:
        refreshed = pool.submit(task.refresh)
        world.go_on()
        assert refreshed.result().status_code == 200
    world.run()
    assert_stored_once(world, task)
    by = task.read()["completed_by"]
    assert first in (None, {"refresh": "ApiFunction", "webhook": "CallbackFunction"}[by])


def test_two_executions_store_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    meet(world, monkeypatch, "WatchFunction")
    task = world.create("a kite [webhook lost]")
    watch = task.watch_anew(after_seconds=69)
    world.run()
    assert_stored_once(world, task)
    assert task.execution()["status"] == task.execution(watch)["status"] == "SUCCEEDED"


# --- One key, one task ------------------------------------------------------------------------


def create_eight(world: World, monkeypatch: pytest.MonkeyPatch, *fingerprints: str) -> list[Any]:
    """Create eight times with one key, in threads; returns what each was told."""
    gateway = world.gateway("ApiFunction")
    meeting = Meeting(8)
    monkeypatch.setattr(gateway.tasks, "create", meeting.before(gateway.tasks.create))

    def create(number: int) -> Created | IdempotencyMismatchError:
        fingerprint = fingerprints[number % len(fingerprints)]
        try:
            return create_keyed(world, f"the key of {fingerprints}", fingerprint)
        except IdempotencyMismatchError as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(create, range(8)))


def test_eight_equal_requests_create_one_task(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = create_eight(world, monkeypatch, "same")
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: 7}
    [task_id] = {answer.task.task_id for answer in answers}
    task = world.newest_task()
    world.run()
    assert task.task_id == task_id
    assert_stored_once(world, task)
    assert len(world.creations()) == 1


def test_eight_different_requests_create_one_task(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = create_eight(world, monkeypatch, *"abcdefgh")
    refused = [answer for answer in answers if isinstance(answer, IdempotencyMismatchError)]
    assert len(refused) == 7
    task = world.newest_task()
    world.run()
    assert_stored_once(world, task)
    assert len(world.creations()) == 1
