"""How far a task is told to be, and when it is expected to end."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kie_gateway.aws.task_item import read_task, write_task
from kie_gateway.core.alternatives import Alternative
from kie_gateway.core.failure import Category, Failure
from kie_gateway.core.moves import (
    ending_moves,
    storing_moves,
    submission_moves,
    verdict_moves,
)
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.model_times import Observed
from kie_gateway.core.polling.poll_policy import PollPolicy
from kie_gateway.core.polling.report import Failed, Finished
from kie_gateway.core.progress import Outlook, outlook, seconds_to_next_look, seconds_to_next_read
from kie_gateway.core.results import Output, Source
from kie_gateway.core.task import CompletedBy, Status, Submission, Task
from tests.makers import (
    NOW,
    RESULT_URL,
    UPSTREAM_ID,
    make_task,
    running_task,
    seconds,
    storing_task,
    typical_seconds,
)

DEADLINE = NOW + seconds(3600)
PREVIEW = Output(0, "image", "image/png", 10, "ab", "outputs/alice/x/0.png", RESULT_URL, 7, 8)
WAITING = make_task(submission=Submission.WAITING, sending_at=None)


def at(task: Task, age: float) -> Outlook:
    return outlook(task, NOW + seconds(age))


def expected_in(task: Task, age: float) -> float:
    """In how many seconds from its beginning the task is expected to end, as told at an age."""
    expected_at = at(task, age).expected_at
    assert expected_at is not None
    return (expected_at - NOW).total_seconds()


# --- running ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "percent"),
    [
        *((0, 0), (3, 0), (4, 5), (15, 20), (30, 40), (59.9, 75)),
        *((60, 80), (75, 85), (120, 90), (240, 92), (3500, 94), (36_000, 94)),
    ],
)
def test_progress_is_even_to_the_expected_end_and_then_slows_down(age: float, percent: int) -> None:
    task = running_task(expected_seconds=60)
    assert at(task, age).percent == percent
    assert at(task, age).progress == percent / 100


@pytest.mark.parametrize(
    ("age", "ends_in"),
    [(0, 60), (54, 60), (55, 75), (68, 75), (69, 93.75), (300, 357.628), (3599, 3600)],
)
def test_the_end_moves_away_gently_while_it_does_not_come(age: float, ends_in: int) -> None:
    task = running_task(expected_seconds=60)
    assert expected_in(task, age) == pytest.approx(ends_in, abs=0.001)


def test_no_end_is_expected_once_the_deadline_has_passed() -> None:
    assert at(running_task(), 3600) == Outlook(94, None)
    assert expected_in(storing_task(next_at=DEADLINE), 3601) > 3601


@given(
    expected=st.integers(1, 3000),
    ages=st.lists(st.floats(0, 3599), min_size=2, max_size=40).map(sorted),
)
def test_neither_goes_back_and_the_end_is_ahead(expected: int, ages: list[float]) -> None:
    task = running_task(expected_seconds=expected)
    seen = [at(task, age) for age in ages]
    percents = [one.percent for one in seen if one.percent is not None]
    ends = [one.expected_at for one in seen if one.expected_at is not None]
    assert len(percents) == len(ends) == len(ages)
    assert percents == sorted(percents)
    assert percents[-1] < 95
    assert ends == sorted(ends)
    assert all(end > NOW + seconds(age) for end, age in zip(ends, ages, strict=True))


@pytest.mark.parametrize("expected", [5, 60, 400])
def test_what_is_told_changes_in_few_steps(expected: int) -> None:
    """Whoever reads often is mostly told that nothing has changed, and never for long."""
    task = running_task(expected_seconds=expected)
    changes, before, since = 0, at(task, 0), 0.0
    for tenth in range(int(expected * 15)):
        now = at(task, tenth / 10)
        if now != before:
            assert tenth / 10 - since <= expected / 6
            changes, before, since = changes + 1, now, tenth / 10
    assert 20 <= changes <= 28


# --- other states -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "percent", "ends_in"),
    [
        pytest.param(make_task(sending_at=NOW + seconds(2)), 0, 47, id="being sent"),
        pytest.param(replace(WAITING, next_at=NOW + seconds(30)), 0, 75, id="refused for now"),
        pytest.param(
            replace(WAITING, next_at=NOW + seconds(120), submit_turn=7), 0, 165, id="in the queue"
        ),
        pytest.param(
            replace(WAITING, next_at=NOW + seconds(60), short_of_credits=True),
            0,
            105,
            id="short of credits",
        ),
        pytest.param(storing_task(), 95, 4, id="storing"),
        pytest.param(storing_task(next_at=NOW + seconds(80)), 95, 84, id="stored again later"),
    ],
)
def test_open_tasks_are_expected_to_end(task: Task, percent: int, ends_in: int) -> None:
    assert (at(task, 0).percent, expected_in(task, 0)) == (percent, ends_in)


@pytest.mark.parametrize(
    "task",
    [
        make_task(submission=Submission.UNKNOWN),
        running_task(expected_seconds=None),
        make_task(expected_seconds=None),
        *(running_task(status=one) for one in (Status.FAILED, Status.CANCELED, Status.EXPIRED)),
    ],
)
def test_what_nobody_knows_is_not_told(task: Task) -> None:
    assert at(task, 10) == Outlook(None, None)
    assert at(task, 10).progress is None


def test_only_success_is_the_whole() -> None:
    assert at(running_task(status=Status.SUCCEEDED), 10) == Outlook(100, None)


def test_the_expected_time_is_the_median_that_is_known_best() -> None:
    seen = Observed(count=50, p50=20, p80=30, p95=40, p99=50)
    assert PollPolicy(0, 900, typical_seconds).expected_seconds("kling") == 150
    policy = PollPolicy(0, 900, typical_seconds, observed=lambda _: seen)
    assert policy.expected_seconds("kling") == 20
    at_once = PollPolicy(0, 900, typical_seconds, observed=lambda _: replace(seen, p50=0.4))
    assert at_once.expected_seconds("kling") == 1


# --- a whole story ------------------------------------------------------------------------------

CRASHED = Failed("fail", Failure("500", Category.UPSTREAM, "crashed", retryable=True))
FINISHED = Finished("success", (Source(RESULT_URL),))


def other_model(expected: int) -> Alternative:
    return Alternative("other", "market", "image", {}, Decimal(1), expected_seconds=expected)


def submit(task: Task, now: datetime) -> Move | None:
    name = f"{UPSTREAM_ID}-{len(task.attempts)}"
    started = submission_moves.start_submission(task, now)
    task = started.task if started is not None else task
    return submission_moves.submitted(task, name, next_at=now + seconds(60), now=now)


def fail(task: Task, now: datetime) -> Move | None:
    return verdict_moves.fail(task, CRASHED, by=CompletedBy.POLL, now=now)


def finish(task: Task, now: datetime) -> Move | None:
    return verdict_moves.answer_finished(task, FINISHED, by=CompletedBy.POLL, now=now)


def find_preview(task: Task, now: datetime) -> Move | None:
    lease = storing_moves.acquire_storing_lease(task, now)
    held = lease.task if lease is not None else task
    return storing_moves.keep_previews(
        held, [PREVIEW], "small", held.storing_until, next_at=now + seconds(9), now=now
    )


def settle(task: Task, now: datetime) -> Move | None:
    return storing_moves.settle(task, [PREVIEW], now, leased_until=task.storing_until)


STEPS: list[Callable[[Task, datetime], Move | None]] = [
    *(submit, submit, fail, fail, finish, find_preview, settle, ending_moves.expire)
]


def lived_through(task: Task, steps: list[tuple[int, float]]) -> Iterator[Outlook]:
    """Read a task before and after everything that happens to it, as it comes from the table."""
    now = NOW
    for number, pause in steps:
        now += seconds(pause)
        task = read_task(write_task(task))
        yield outlook(task, now)
        move = STEPS[number](task, now)
        task = move.task if move is not None else task
        yield outlook(task, now)


@settings(max_examples=200)
@given(
    expected=st.tuples(st.integers(1, 300), st.integers(1, 300), st.integers(1, 300)),
    steps=st.lists(
        st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 200_000).map(lambda ms: ms / 1000))
    ),
)
def test_progress_never_goes_back_whatever_happens(
    expected: tuple[int, int, int], steps: list[tuple[int, float]]
) -> None:
    first, second, third = expected
    task = make_task(
        expected_seconds=first,
        alternatives=(other_model(second), other_model(third)),
        deadline_at=NOW + seconds(900),
    )
    told = [one.percent for one in lived_through(task, steps) if one.percent is not None]
    assert told == sorted(told)


def test_another_model_begins_where_the_last_one_came_to_nothing() -> None:
    task = make_task(expected_seconds=40, alternatives=(other_model(100),))
    steps = [(0, 0.0), (2, 20.0), (0, 1.0), (4, 30.0), (4, 30.0), (6, 1.0)]
    told = list(lived_through(task, steps))
    percents = [0, 0, 40, 40, 40, 40, 40, 95, 95, 95, 95, 100]
    assert [one.percent for one in told] == percents
    [running, queued] = [told[index].expected_at for index in (1, 3)]
    assert running == NOW + seconds(40)
    assert queued == NOW + seconds(120)


# --- when to read again -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "age", "pause"),
    [
        (running_task(expected_seconds=60), 0, 15),
        (running_task(expected_seconds=60), 45, 15),
        (running_task(expected_seconds=60), 50, 11),
        (running_task(expected_seconds=60), 59, 2),
        (running_task(expected_seconds=60), 60, 6),
        (running_task(expected_seconds=60), 600, 15),
        (running_task(expected_seconds=5), 0, 6),
        (running_task(expected_seconds=5), 6, 1),
        (running_task(expected_seconds=2), -5, 8),
        (replace(WAITING, next_at=NOW + seconds(120), submit_turn=7), 20, 101),
        (replace(WAITING, next_at=NOW + seconds(120), short_of_credits=True), 20, 101),
        (replace(WAITING, next_at=NOW + seconds(20), submit_turn=7), 20, 15),
        (storing_task(), 0, 5),
        (storing_task(), 5, 1),
        (make_task(submission=Submission.UNKNOWN), 0, 1),
        (make_task(submission=Submission.UNKNOWN), 100, 10),
    ],
)
def test_callers_come_back_soon_after_the_expected_end(
    task: Task, age: float, pause: float
) -> None:
    assert seconds_to_next_read(task, NOW + seconds(age)) == pytest.approx(pause)


@pytest.mark.parametrize(
    ("task", "age", "pause"),
    [
        (running_task(expected_seconds=60), 0, 0.75),
        (running_task(expected_seconds=60), 4, 2),
        (running_task(expected_seconds=60), 20, 3),
        (running_task(expected_seconds=60), 54, 1.5),
        (running_task(expected_seconds=60), 60, 0.75),
        (running_task(expected_seconds=60), 100, 3),
        (replace(WAITING, next_at=NOW + seconds(120), submit_turn=7), 20, 3),
        (replace(WAITING, next_at=NOW + seconds(120), submit_turn=7), 119.5, 0.75),
        (make_task(submission=Submission.UNKNOWN), 0, 0.75),
        (make_task(submission=Submission.UNKNOWN), 100, 3),
    ],
)
def test_who_waits_looks_often_only_when_something_may_happen(
    task: Task, age: float, pause: float
) -> None:
    assert seconds_to_next_look(task, NOW + seconds(age)) == pytest.approx(pause)
