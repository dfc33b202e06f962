"""Sending sooner than planned, and who else goes on when Kie.ai's account has credits again."""

from dataclasses import replace
from decimal import Decimal

import pytest

from kie_gateway.core import moves
from kie_gateway.core.pace import CREDITS_PAUSE
from kie_gateway.core.report import Finished
from kie_gateway.core.reservation import Reservation
from kie_gateway.core.task import CompletedBy, Source, Status, Submission, Task
from kie_gateway.core.timeline import Happened
from kie_gateway.flows.resume_line import resume_if_funded, resume_line
from kie_gateway.flows.send_now import send_now
from tests.fakes import Clock, FakeExecutions, FakeLine, FakeQueue, FakeTaskStore
from tests.makers import NOW, RESULT_URL, TASK_ID, UPSTREAM_ID, make_task, seconds

WAITING = make_task(submission=Submission.WAITING, next_at=NOW + seconds(500))
HOUR = NOW + CREDITS_PAUSE


class Scene:
    """Tasks that wait to be sent; Kie.ai takes them unless told otherwise."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = FakeTaskStore()
        self.line = FakeLine(self.store, self.clock.now)
        self.executions, self.queue = FakeExecutions(), FakeQueue()
        self.sent: list[str] = []
        self.answer = "accept"

    def add(self, task: Task) -> Task:
        self.store.create(task, (), None)
        return task

    def wait(self, task_id: str, owner: str = "alice", credits_: int = 4) -> Task:
        """Let a task join the line."""
        place = self.line.join(owner)
        reservation = Reservation(Decimal(credits_), 60)
        task = make_task(task_id=task_id, owner=owner, submission=Submission.WAITING)
        task = replace(task, turn=place.turn, next_at=place.at, reservation=reservation)
        return self.add(task)

    def send(self, task: Task) -> Task:
        return send_now(
            self.store.the(task),
            tasks=self.store,
            executions=self.executions,
            queue=self.queue,
            line=self.line,
            submit=self.submit,
            now=self.clock.now,
        )

    def submit(self, task: Task) -> Task:
        self.sent.append(task.task_id)
        now, next_at = self.clock.at, self.clock.at + seconds(30)

        def decide(current: Task) -> moves.Move | None:
            match self.answer:
                case "accept":
                    return moves.submitted(current, UPSTREAM_ID, next_at=next_at, now=now)
                case "at once":
                    done = Finished("success", (Source(RESULT_URL),))
                    return moves.answered_at_once(current, UPSTREAM_ID, done, now=now)
                case "unknown":
                    return moves.lose_submission(current, "?", next_at=next_at, now=now)
            return moves.refuse(current, "no", "402", next_at=HOUR + seconds(9), now=now, turn=9)

        return self.store.move(task, decide).task

    def resume(self, most: int = 100) -> int:
        return resume_line(
            line=self.line,
            tasks=self.store,
            executions=self.executions,
            now=self.clock.at,
            most=most,
        )

    def resume_if_funded(self, balance: float | None) -> int:
        return resume_if_funded(
            None if balance is None else Decimal(balance),
            line=self.line,
            tasks=self.store,
            executions=self.executions,
            now=self.clock.at,
            most=100,
        )


# --- sending ------------------------------------------------------------------------------------


def test_what_is_sent_sooner_is_watched_sooner() -> None:
    scene = Scene()
    task = scene.send(scene.add(WAITING))
    assert (task.status, task.watches) == (Status.RUNNING, 2)
    assert scene.executions.started == {(TASK_ID, 2): NOW + seconds(30)}
    assert scene.executions.stopped == [(TASK_ID, 1)]


def test_who_stands_in_line_waits_for_the_turn() -> None:
    scene = Scene()
    scene.line.refuse(None)
    task = scene.wait("task_1")
    assert scene.send(task) == task
    assert scene.sent == []


def test_a_refresh_finds_out_whether_there_are_credits() -> None:
    scene = Scene()
    scene.line.hold()
    scene.wait("task_1")
    scene.answer = "no credits"
    task = scene.send(scene.wait("task_2"))
    assert (scene.sent, task.status) == (["task_2"], Status.QUEUED)
    pace = scene.line.look()
    assert pace is not None
    assert (pace.for_credits, pace.not_before) == (True, HOUR)
    # Its watch looks soon enough as it is.
    assert (scene.executions.started, scene.executions.stopped) == ({}, [])


def test_with_credits_again_everybody_gets_an_earlier_slot() -> None:
    scene = Scene()
    scene.line.hold()
    names = [f"task_{number}" for number in range(3)]
    tasks = [scene.wait(name) for name in names]
    scene.clock.advance(60)
    assert scene.send(tasks[2]).status is Status.RUNNING
    found = [scene.store.the(task) for task in tasks]
    assert [task.next_at for task in found[:2]] == [NOW + seconds(60), NOW + seconds(60.515)]
    # Whose turn it is does not change.
    assert [task.turn for task in found] == [1, 2, 3]
    assert scene.executions.started == {
        ("task_0", 2): NOW + seconds(59),
        ("task_1", 2): NOW + seconds(59.515),
        ("task_2", 2): NOW + seconds(90),
    }
    assert sorted(scene.executions.stopped) == [(name, 1) for name in names]
    assert scene.store.happened(tasks[0]) == [Happened.WATCH_STARTED]
    pace = scene.line.look()
    assert pace is None or not pace.for_credits


@pytest.mark.parametrize("answer", ["unknown", "no credits"])
def test_any_other_answer_leaves_the_others_waiting(answer: str) -> None:
    scene = Scene()
    scene.line.hold()
    first, second = scene.wait("task_1"), scene.wait("task_2")
    scene.answer = answer
    scene.send(first)
    assert scene.store.the(second) == second


def test_a_result_at_once_is_asked_to_be_stored() -> None:
    scene = Scene()
    scene.answer = "at once"
    task = scene.send(scene.add(WAITING))
    assert (task.status, task.completed_by) == (Status.STORING, CompletedBy.IMMEDIATE)
    assert scene.queue.messages == [("store", TASK_ID)]


@pytest.mark.parametrize(
    "task",
    [
        replace(WAITING, submission=Submission.SENDING),
        replace(WAITING, deadline_at=NOW),
        replace(WAITING, status=Status.CANCELED),
    ],
    ids=["being sent", "too late", "canceled"],
)
def test_what_must_not_be_sent_is_not(task: Task) -> None:
    scene = Scene()
    assert scene.send(scene.add(task)) == task
    assert scene.sent == []


# --- going on -----------------------------------------------------------------------------------


def test_slots_that_are_near_stay_as_they_are() -> None:
    scene = Scene()
    scene.line.refuse(None)
    tasks = [scene.wait(f"task_{number}") for number in range(3)]
    assert scene.resume() == 0
    assert [scene.store.the(task) for task in tasks] == tasks


def test_as_many_get_a_slot_as_there_is_time_for() -> None:
    scene = Scene()
    scene.line.hold()
    tasks = [scene.wait(f"task_{number}") for number in range(5)]
    assert [scene.resume(most=2) for _ in range(4)] == [2, 2, 1, 0]
    slots = [scene.store.the(task).next_at for task in tasks]
    assert slots == [NOW + number * seconds(0.515) for number in range(5)]


def test_who_has_been_sent_or_is_gone_needs_no_slot() -> None:
    scene = Scene()
    scene.line.hold()
    sent, canceled, waiting = (scene.wait(f"task_{number}") for number in range(3))
    scene.line.all = lambda: iter(  # type: ignore[method-assign]
        [sent.task_id, canceled.task_id, "task_gone", waiting.task_id]
    )
    scene.store.move(sent, lambda task: moves.start_submission(task, NOW))
    scene.store.move(canceled, lambda task: moves.cancel(task, NOW))
    assert scene.resume() == 1
    assert [name for name, _ in scene.executions.started] == [waiting.task_id]


@pytest.mark.parametrize(
    ("balance", "resumed"), [(None, 0), (0, 0), (-3, 0), (0.5, 0), (9.99, 2), (10, 2), (500, 2)]
)
def test_the_line_goes_on_when_there_is_enough_for_somebody(
    balance: float | None, resumed: int
) -> None:
    scene = Scene()
    scene.line.hold()
    scene.wait("task_1", credits_=10)
    scene.wait("task_2", credits_=1)
    assert scene.resume_if_funded(balance) == resumed
    pace = scene.line.look()
    assert (pace is not None and pace.for_credits) is (resumed == 0)


def test_a_line_that_nobody_stands_in_goes_on_with_any_credits() -> None:
    scene = Scene()
    scene.line.hold()
    assert scene.resume_if_funded(0.1) == 0
    assert scene.line.look() is None or not scene.line.look().for_credits  # type: ignore[union-attr]


def test_who_was_left_behind_is_pulled_forward_whatever_the_balance() -> None:
    scene = Scene()
    scene.line.hold()
    scene.wait("task_1")
    scene.wait("task_2")
    scene.resume(most=1)
    assert scene.resume_if_funded(None) == 1
