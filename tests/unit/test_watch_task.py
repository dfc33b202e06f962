"""The steps of road 2, what an operator reads when it stalls, and doing the same at once."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from kie_gateway.core.errors.backend_errors import BackendUnavailableError, TaskStalledError
from kie_gateway.core.errors.caller_errors import TaskNotFoundError
from kie_gateway.core.moves import ending_moves, storing_moves, submission_moves, verdict_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.decision import SENDING_LIMIT, Decision
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.results import Source
from kie_gateway.core.task import Attention, CompletedBy, Status, Step, Submission, Task
from kie_gateway.core.timeline import Entry, Happened
from kie_gateway.flows.submitting.submit_from_queue import SubmitFromQueue
from kie_gateway.flows.tasks.await_task import AwaitTask
from kie_gateway.flows.tasks.refresh_task import RefreshTask
from kie_gateway.flows.watching.watch_task import WatchTask, stall_message
from kie_gateway.flows.watching.watches import Watches
from tests.fakes import Clock, FakeExecutions, FakeQueue, FakeSubmitQueue, FakeTaskStore
from tests.makers import (
    NOW,
    RESULT_URL,
    TASK_ID,
    UPSTREAM_ID,
    make_task,
    running_task,
    seconds,
    storing_task,
)

DEADLINE = NOW + seconds(3600)
SOON = NOW + seconds(7)
WAITING = make_task(submission=Submission.WAITING, sending_at=None, next_at=SOON)
UNKNOWN = make_task(
    submission=Submission.UNKNOWN, attention=Attention.SUBMISSION_UNKNOWN, next_at=SOON
)
GIVEN_UP = storing_task(
    status=Status.EXPIRED, attention=Attention.STORAGE_FAILED, store_attempts=5, next_at=None
)
TOLD = storing_task(attention=Attention.STORAGE_FAILED, store_attempts=5, next_at=SOON)
EXPIRED = running_task(
    status=Status.EXPIRED, attention=Attention.STALLED, next_at=DEADLINE + seconds(10)
)


def finish(task: Task, now: datetime) -> Move | None:
    return verdict_moves.report_finished(
        task,
        Finished("success", (Source(RESULT_URL),)),
        upstream_task_id=UPSTREAM_ID,
        by=CompletedBy.POLL,
        happened=Happened.RESULT_REPORTED,
        now=now,
    )


def still_running(task: Task, now: datetime) -> Move | None:
    entry = Entry(Happened.KIE_ASKED, now, "Kie.ai says: generating.")
    return verdict_moves.asked(task, "generating", entry, next_at=now + seconds(50))


@dataclass
class Scene:
    """
    A watch whose three deeds are written down.

    Attributes:
        answer: What asking Kie.ai does to the record.
        done: What the watch has done, in order.
    """

    task: Task
    clock: Clock = field(default_factory=Clock)
    answer: Callable[[Task, datetime], Move | None] = still_running
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = FakeTaskStore(self.task)

    @property
    def now(self) -> Task:
        """The record as it stands."""
        return self.store.the(self.task)

    def step(self, step: Step) -> Decision:
        submit = SubmitFromQueue(
            self.store,
            FakeSubmitQueue(self.store, self.clock.now),
            self.submit,
            self.clock.now,
            self.clock.advance,
        )
        watch = WatchTask(
            self.store, submit, self.ask, self.copy, lambda task: task, self.clock.now
        )
        return watch.step(step, TASK_ID)

    def submit(self, task: Task) -> Task:
        self.done.append(f"submit {task.submission.value}")
        next_at = self.clock.at + seconds(30)
        return self.store.move(
            task,
            lambda t: submission_moves.submitted(
                t, UPSTREAM_ID, next_at=next_at, now=self.clock.at
            ),
        ).task

    def ask(self, task: Task) -> Task:
        self.done.append("ask")
        return self.store.move(task, lambda t: self.answer(t, self.clock.at)).task

    def copy(self, task: Task) -> Task:
        self.done.append("store")
        return self.store.move(task, lambda t: storing_moves.settle(t, [], self.clock.at)).task


DUE = NOW + seconds(60)
SENDER_DEAD = NOW + SENDING_LIMIT
STEPS: list[tuple[str, Task, Step, datetime, list[str], Step, datetime]] = [
    # what happens at which step, when; what is done; what comes next, when
    (
        "refused creation",
        WAITING,
        Step.SUBMIT,
        NOW,
        ["submit sending"],
        Step.ASK,
        NOW + seconds(30),
    ),
    ("being sent", make_task(), Step.SUBMIT, NOW, [], Step.ASK, SENDER_DEAD),
    ("creation in doubt", UNKNOWN, Step.SUBMIT, NOW, [], Step.ASK, SOON),
    ("accepted meanwhile", running_task(), Step.SUBMIT, NOW, [], Step.ASK, NOW + seconds(60)),
    ("too late to create", WAITING, Step.SUBMIT, DEADLINE, [], Step.STALL, DEADLINE),
    ("canceled", running_task(status=Status.CANCELED), Step.SUBMIT, NOW, [], Step.NONE, NOW),
    ("running", running_task(), Step.ASK, DUE, ["ask"], Step.ASK, DUE + seconds(50)),
    (
        "hardly early",
        running_task(),
        Step.ASK,
        DUE - seconds(2),
        ["ask"],
        Step.ASK,
        DUE + seconds(48),
    ),
    ("sent in another's ticket", running_task(), Step.ASK, DUE - seconds(3), [], Step.ASK, DUE),
    ("unknown id", UNKNOWN, Step.ASK, SOON, ["ask"], Step.ASK, SOON + seconds(50)),
    ("just being sent", make_task(), Step.ASK, NOW, [], Step.ASK, SENDER_DEAD),
    ("sender is slow", make_task(), Step.ASK, SENDER_DEAD - seconds(1), [], Step.ASK, SENDER_DEAD),
    ("refused meanwhile", WAITING, Step.ASK, NOW, [], Step.SUBMIT, SOON),
    ("told meanwhile", storing_task(), Step.ASK, NOW, [], Step.STORE, NOW),
    ("expired meanwhile", EXPIRED, Step.ASK, DEADLINE, [], Step.STALL, DEADLINE),
    ("settled", running_task(status=Status.FAILED), Step.ASK, NOW, [], Step.NONE, NOW),
    ("last question", running_task(), Step.ASK, DEADLINE, ["ask"], Step.STALL, DEADLINE),
    ("told", storing_task(), Step.STORE, NOW, ["store"], Step.NONE, NOW),
    ("told late", storing_task(), Step.STORE, DEADLINE, ["store"], Step.NONE, DEADLINE),
    ("given up", GIVEN_UP, Step.STORE, NOW, [], Step.STALL, NOW),
    ("given up meanwhile", GIVEN_UP, Step.ASK, NOW, [], Step.STALL, NOW),
    ("still trying", TOLD, Step.STORE, SOON, ["store"], Step.NONE, SOON),
    ("not told yet", running_task(), Step.STORE, NOW, [], Step.ASK, NOW + seconds(60)),
    ("nothing to do", running_task(), Step.NONE, NOW, [], Step.ASK, NOW + seconds(60)),
    ("not stalled at all", running_task(), Step.STALL, NOW, [], Step.ASK, NOW + seconds(60)),
    (
        "settled after all",
        storing_task(status=Status.SUCCEEDED),
        Step.STALL,
        NOW,
        [],
        Step.NONE,
        NOW,
    ),
]


@pytest.mark.parametrize(
    ("task", "step", "now", "done", "next_step", "wait_until"),
    [case[1:] for case in STEPS],
    ids=[f"{case[2].value}: {case[0]}" for case in STEPS],
)
def test_a_step_does_what_is_still_missing(
    task: Task, step: Step, now: datetime, done: list[str], next_step: Step, wait_until: datetime
) -> None:
    scene = Scene(task, Clock(now))
    assert scene.step(step) == Decision(next_step, wait_until)
    assert scene.done == done


def test_a_creation_whose_sender_died_is_asked_about() -> None:
    # The question, without an id to ask about, records the doubt (flows/polling/ask_kie.py).
    scene = Scene(make_task(), Clock(SENDER_DEAD))
    scene.step(Step.ASK)
    assert scene.done == ["ask"]


def test_a_creation_is_sent_by_one_watch_only() -> None:
    scene = Scene(WAITING)
    second = Scene(WAITING)
    second.store = scene.store
    scene.submit = lambda task: (second.step(Step.SUBMIT), task)[1]  # type: ignore[method-assign]
    scene.step(Step.SUBMIT)
    assert second.done == []
    assert scene.now.submission_attempts == 2


@pytest.mark.parametrize("step", Step)
def test_a_task_that_is_gone_fails_its_watch(step: Step) -> None:
    scene = Scene(running_task())
    scene.store.forget(scene.task, None)
    with pytest.raises(TaskNotFoundError, match=TASK_ID):
        scene.step(step)


# --- stalls -------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [running_task(), WAITING, UNKNOWN, make_task()])
def test_a_deadline_without_verdict_is_recorded_and_fails_the_watch(task: Task) -> None:
    scene = Scene(task, Clock(DEADLINE))
    with pytest.raises(TaskStalledError, match=TASK_ID):
        scene.step(Step.STALL)
    assert (scene.now.status, scene.now.error) == (Status.EXPIRED, None)
    assert (scene.done, scene.store.happened(task)) == ([], [Happened.EXPIRED])


def test_a_stall_that_is_retried_at_once_stays_a_stall() -> None:
    scene = Scene(running_task(), Clock(DEADLINE))
    for _ in range(3):
        with pytest.raises(TaskStalledError):
            scene.step(Step.STALL)
        scene.clock.advance(3)
    assert (scene.done, scene.store.happened(scene.task)) == ([], [Happened.EXPIRED])


def test_a_redrive_asks_again() -> None:
    scene = Scene(EXPIRED, Clock(DEADLINE + seconds(10)))
    with pytest.raises(TaskStalledError, match="generating"):
        scene.step(Step.STALL)
    scene.answer = finish
    scene.clock.advance(60)
    assert scene.step(Step.STALL) == Decision(Step.STORE, scene.clock.at)
    assert scene.done == ["ask", "ask"]


def test_a_redrive_copies_again_what_was_given_up() -> None:
    # Given up long ago, by whoever works off the queue.
    scene = Scene(GIVEN_UP, Clock(NOW + seconds(500)))
    for _ in range(3):
        with pytest.raises(TaskStalledError, match="could not be copied"):
            scene.step(Step.STALL)
        scene.clock.advance(3)
    scene.clock.advance(1)
    assert scene.step(Step.STALL) == Decision(Step.STORE, scene.clock.at)
    assert (scene.now.attention, scene.now.store_attempts) == (None, 0)
    assert scene.done == []


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (GIVEN_UP, [UPSTREAM_ID, "after 5 attempts", "redrive", "neither generates"]),
        (
            make_task(
                submission=Submission.WAITING,
                status=Status.EXPIRED,
                submission_attempts=9,
                upstream_message="The call frequency is too high.",
            ),
            [
                "no id at Kie.ai",
                "9 attempts",
                "too high",
                "Nothing was charged",
                "2026-03-01 13:00",
            ],
        ),
        (
            make_task(
                submission=Submission.UNKNOWN,
                status=Status.EXPIRED,
                upstream_message="ReadTimeout.",
            ),
            ["no id at Kie.ai", "no clear answer (ReadTimeout.)", "may cost twice"],
        ),
        (
            running_task(status=Status.EXPIRED, upstream_state="generating", polls=12),
            [UPSTREAM_ID, "Last answer: generating, asked 12 times", "Redrive", "/refresh"],
        ),
        (running_task(status=Status.EXPIRED), ["Last answer: none, asked 0 times"]),
    ],
    ids=["files", "refused", "in doubt", "no verdict", "no answer"],
)
def test_a_stall_tells_what_is_known_and_what_to_do(task: Task, words: list[str]) -> None:
    told = stall_message(task)
    assert told.startswith(f"{TASK_ID} (google/nano-banana, ")
    for expected in words:
        assert expected in told
    assert "\n" not in told


# --- refresh ------------------------------------------------------------------------------------


def refresh(
    scene: Scene,
    *,
    queue: FakeQueue | None = None,
    executions: FakeExecutions | None = None,
) -> Task:
    watches = Watches(scene.store, executions or FakeExecutions(), scene.clock.now)
    flow = RefreshTask(scene.store, watches, queue or FakeQueue(), scene.ask, scene.clock.now)
    return flow(scene.task)


REFRESHED: list[tuple[str, Task, Any, list[str], Status, bool, bool]] = [
    # what Kie.ai says; what is done; the status after; whether storing is asked for, watched again
    ("running", running_task(), still_running, ["ask"], Status.RUNNING, False, False),
    ("done", running_task(), finish, ["ask"], Status.STORING, True, False),
    ("in doubt", UNKNOWN, still_running, ["ask"], Status.QUEUED, False, False),
    ("expired", EXPIRED, still_running, ["ask"], Status.EXPIRED, False, False),
    ("late", EXPIRED, finish, ["ask"], Status.STORING, True, True),
    ("storing", storing_task(), finish, [], Status.STORING, True, False),
    ("given up", GIVEN_UP, finish, [], Status.STORING, True, True),
    ("still trying", TOLD, finish, [], Status.STORING, True, False),
    ("stored", storing_task(status=Status.SUCCEEDED), finish, [], Status.SUCCEEDED, False, False),
    ("failed", running_task(status=Status.FAILED), finish, [], Status.FAILED, False, False),
    ("canceled", running_task(status=Status.CANCELED), finish, [], Status.CANCELED, False, False),
]


@pytest.mark.parametrize(
    ("task", "answer", "done", "status", "queued", "watched"),
    [case[1:] for case in REFRESHED],
    ids=[case[0] for case in REFRESHED],
)
def test_a_refresh_does_at_once_what_the_watch_would_do(
    task: Task, answer: Any, done: list[str], status: Status, queued: bool, watched: bool
) -> None:
    scene, queue, executions = Scene(task, Clock(SOON), answer), FakeQueue(), FakeExecutions()
    after = refresh(scene, queue=queue, executions=executions)
    assert (after, after.status, scene.done) == (scene.now, status, done)
    assert queue.messages == [("store", TASK_ID)] * queued
    assert executions.started == ({(TASK_ID, 2): SOON} if watched else {})


def test_a_refresh_gives_up_files_a_fresh_set_of_attempts() -> None:
    scene = Scene(GIVEN_UP)
    after = refresh(scene)
    assert (after.attention, after.store_attempts, after.next_at) == (None, 0, NOW)


@pytest.mark.parametrize("task", [EXPIRED, GIVEN_UP])
def test_a_late_result_is_stored_although_one_road_is_closed(task: Task) -> None:
    down = BackendUnavailableError("down")
    scene, queue, executions = Scene(task, answer=finish), FakeQueue(down), FakeExecutions()
    with pytest.raises(BackendUnavailableError):
        refresh(scene, queue=queue, executions=executions)
    assert list(executions.started) == [(TASK_ID, 2)]

    scene, queue, executions = Scene(task, answer=finish), FakeQueue(), FakeExecutions(down)
    with pytest.raises(BackendUnavailableError):
        refresh(scene, queue=queue, executions=executions)
    assert queue.messages == [("store", TASK_ID)]


# --- waiting ------------------------------------------------------------------------------------


def wait(scene: Scene, wait_seconds: float, settles_at: float | None = None) -> tuple[Task, float]:
    """Wait for a task that settles after so many seconds; tells how long it took."""

    def sleep(pause: float) -> None:
        scene.clock.advance(pause)
        if settles_at is not None and scene.clock.at >= NOW + seconds(settles_at):
            scene.store.move(scene.task, lambda task: ending_moves.cancel(task, NOW))

    task = AwaitTask(scene.store, sleep, scene.clock.now)(scene.task, wait_seconds)
    return task, (scene.clock.at - NOW).total_seconds()


@pytest.mark.parametrize(
    ("wait_seconds", "settles_at", "status", "took_seconds"),
    [
        (25, None, Status.RUNNING, 25),
        (0, None, Status.RUNNING, 0),
        (0.1, None, Status.RUNNING, 0.1),
        (2.7, None, Status.RUNNING, 2.7),
        (25, 0.2, Status.CANCELED, 0.75),
        (25, 1.6, Status.CANCELED, 2.25),
        (25, 24.9, Status.CANCELED, 25),
    ],
)
def test_a_wait_ends_with_the_task_or_the_time(
    wait_seconds: float, settles_at: float | None, status: Status, took_seconds: float
) -> None:
    task, took = wait(Scene(running_task()), wait_seconds, settles_at)
    assert (task.status, took) == (status, took_seconds)


@pytest.mark.parametrize(
    ("expected", "settles_at", "looks", "most_late"),
    [
        (60, None, 12, 0),
        (5, None, 20, 0),
        # About the time that was expected, news are not late.
        (5, 5.0, 7, 0.75),
        (20, 19.6, 15, 0.75),
        (20, 21.0, 17, 0.75),
    ],
)
def test_who_waits_looks_seldom_while_the_end_is_far_away(
    expected: int, settles_at: float | None, looks: int, most_late: float
) -> None:
    """With pauses of a second, it took 28 looks in 25 s, and 8 for a task of 5 s."""
    scene = Scene(running_task(expected_seconds=expected))
    took = wait(scene, 25, settles_at)[1]
    assert scene.store.looks == looks
    assert 0 <= took - (settles_at or 25) <= most_late


@pytest.mark.parametrize(
    "status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELED, Status.EXPIRED]
)
def test_nobody_waits_for_a_settled_task(status: Status) -> None:
    assert wait(Scene(running_task(status=status)), 25)[1] == 0


def test_a_task_that_is_deleted_while_waited_for_comes_back_as_it_was() -> None:
    scene = Scene(running_task())
    scene.store.forget(scene.task, None)
    assert wait(scene, 1) == (scene.task, 1)


def half_done(**changes: Any) -> Task:
    """Make a task of which Kie.ai has said that it is done, with a part missing."""
    facts = {"upstream_state": "SUCCESS", "upstream_completed_at": NOW, "next_at": DEADLINE}
    return running_task(**{**facts, **changes})


def test_before_half_a_result_expires_kie_is_asked_for_what_there_is() -> None:
    scene = Scene(half_done(), Clock(DEADLINE), answer=finish)
    assert scene.step(Step.STALL) == Decision(Step.STORE, DEADLINE)
    assert (scene.done, scene.now.status) == (["ask"], Status.STORING)


def test_half_a_result_that_is_gone_expires_as_any_task() -> None:
    scene = Scene(half_done(), Clock(DEADLINE))
    with pytest.raises(TaskStalledError):
        scene.step(Step.STALL)
    assert scene.now.status is Status.EXPIRED


@pytest.mark.parametrize(
    "task", [running_task(), half_done(upstream_message="no result"), half_done(status="failed")]
)
def test_no_other_task_is_asked_about_once_more(task: Task) -> None:
    task = replace(task, status=Status(task.status))
    scene = Scene(task, Clock(DEADLINE))
    with suppress(TaskStalledError):
        scene.step(Step.STALL)
    assert scene.done == []


def test_who_waits_reads_the_whole_record_only_once_it_has_changed() -> None:
    scene = Scene(running_task())
    read = list[str]()
    get = scene.store.get
    scene.store.get = lambda task_id: read.append(task_id) or get(task_id)  # type: ignore[func-returns-value,method-assign]
    scene.store.version_of = lambda task_id: scene.store.the(scene.task).version  # type: ignore[method-assign]
    assert wait(scene, 25, settles_at=7)[0].status is Status.CANCELED
    assert read == [TASK_ID]


def test_who_waits_keeps_the_task_in_hand_when_it_cannot_be_read() -> None:
    scene = Scene(running_task())
    scene.store.unavailable = True
    assert wait(scene, 3) == (scene.task, 3)


def test_a_refresh_leaves_a_creation_that_is_under_way_to_its_sender() -> None:
    sending = {"status": Status.QUEUED, "submission": Submission.SENDING}
    scene = Scene(running_task(**sending, sending_at=NOW - seconds(59), upstream_task_id=None))
    assert refresh(scene) == scene.task
    assert scene.done == []
    scene = Scene(running_task(**sending, sending_at=NOW - seconds(60), upstream_task_id=None))
    refresh(scene)
    assert scene.done == ["ask"]
