"""Which changes are events, and what an event may hold."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from kie_gateway.core.credits.account import Account
from kie_gateway.core.events.event import Event, event_of_move, is_completion, is_low, task_event_id
from kie_gateway.core.events.event_size import MOST_BYTES, fitting
from kie_gateway.core.events.event_type import EventType
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.moves import ending_moves, storing_moves, verdict_moves
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.results import Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Task
from kie_gateway.core.timeline import Happened
from tests.makers import NOW, RESULT_URL, TASK_ID, make_task, running_task, storing_task


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, make_task(), None),
        (None, make_task(status=Status.FAILED), "task.failed"),
        (None, running_task(), "task.running"),
        (make_task(), running_task(), "task.running"),
        (running_task(), running_task(polls=3), None),
        (running_task(), storing_task(), "task.storing"),
        (storing_task(), storing_task(status=Status.SUCCEEDED), "task.succeeded"),
        (storing_task(), storing_task(status=Status.SUCCEEDED, has_expired=True), "task.recovered"),
        (running_task(), running_task(status=Status.CANCELED), "task.canceled"),
        (running_task(), running_task(attention=Attention.STALLED), "task.attention"),
        (
            running_task(attention=Attention.STALLED),
            running_task(attention=Attention.STALLED),
            None,
        ),
        (running_task(attention=Attention.STALLED), running_task(), None),
        (
            running_task(),
            running_task(status=Status.EXPIRED, attention=Attention.STALLED),
            "task.expired",
        ),
        (storing_task(), storing_task(status=Status.FAILED, deleted_at=NOW), None),
    ],
)
def test_a_move_tells_what_is_new(before: Task | None, after: Task, told: str | None) -> None:
    assert event_of_move(before, after) == (EventType(told) if told else None)


def test_the_success_of_an_expired_task_is_its_recovery() -> None:
    late = NOW + timedelta(hours=2)
    expired = ending_moves.expire(running_task(), late)
    assert expired is not None
    assert event_of_move(running_task(), expired.task) is EventType.TASK_EXPIRED
    found = verdict_moves.report_finished(
        expired.task,
        Finished("success", (Source(RESULT_URL),)),
        upstream_task_id=None,
        by=CompletedBy.WEBHOOK,
        happened=Happened.WEBHOOK_ACCEPTED,
        now=late,
    )
    assert found is not None
    assert event_of_move(expired.task, found.task) is EventType.TASK_STORING
    settled = storing_moves.settle(found.task, (), late)
    assert settled is not None
    assert event_of_move(found.task, settled.task) is EventType.TASK_RECOVERED


def make_batch(**changes: Any) -> Batch:
    fields: dict[str, Any] = {
        "batch_id": "batch_01kjd3x7h8000000000000000b",
        "owner": "alice",
        "callback_base_url": "https://gateway.test",
        "total": 2,
        "created": 2,
        "created_at": NOW,
        "planned_tasks": 0,
        "planned_credits": Decimal(0),
        "release_after_seconds": 60,
    }
    return Batch(**{**fields, **changes})


def test_a_batch_is_complete_once() -> None:
    running = make_batch(ended={Status.SUCCEEDED: 1}, changed_at=NOW)
    complete = make_batch(ended={Status.SUCCEEDED: 1, Status.EXPIRED: 1}, changed_at=NOW)
    recovered = make_batch(ended={Status.SUCCEEDED: 2}, changed_at=NOW)
    assert not is_completion(None, running)
    assert is_completion(running, complete)
    assert not is_completion(complete, recovered)


@pytest.mark.parametrize(
    ("before", "after", "low"),
    [(100, 99, True), (150, 100, False), (99, 98, False), (50, 200, False), (100, 0, True)],
)
def test_credits_are_low_when_they_become_so(before: int, after: int, low: bool) -> None:
    was, is_ = (Account("a", unlimited=False, balance=Decimal(one)) for one in (before, after))
    assert is_low(was, is_, Decimal(100)) is low
    assert not is_low(was, is_, Decimal(0))
    assert not is_low(None, is_, Decimal(100))


def test_whoever_has_no_limit_is_never_short() -> None:
    assert not is_low(Account("alice"), Account("alice"), Decimal(100))


def test_an_id_follows_from_task_and_version() -> None:
    assert task_event_id(TASK_ID, 7) == "evt_01kjd3x7h8000000000000000a_7"


def test_a_body_has_four_fields_and_a_time_in_utc() -> None:
    event = Event("evt_1", EventType.TASK_RUNNING, NOW, "alice", TASK_ID, {"id": TASK_ID})
    assert event.body() == {
        "id": "evt_1",
        "type": "task.running",
        "timestamp": "2026-03-01T12:00:00.000Z",
        "data": {"id": TASK_ID},
    }


def test_what_is_small_stays_as_it_is() -> None:
    data = {"id": "x", "input": {"prompt": "a kite"}}
    assert fitting(data) is data


def test_what_is_too_large_is_left_out_and_named() -> None:
    large = [{"permalink": "https://gateway.test/" + "x" * 1000} for _ in range(300)]
    fitted = fitting({"id": "x", "status": "succeeded", "input": {"a": 1}, "outputs": large})
    assert fitted == {
        "id": "x",
        "status": "succeeded",
        "input": {},
        "outputs": [],
        "left_out": ["input", "outputs"],
    }
    assert len(json.dumps(fitted)) < MOST_BYTES
