"""Sending sooner than planned, and who else goes on when Kie.ai's account has credits again."""

from dataclasses import replace
from decimal import Decimal

import pytest

from kie_gateway.core.credits.reservation import Reservation
from kie_gateway.core.moves import ending_moves, submission_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.results import Source
from kie_gateway.core.submit_queue import CREDITS_PAUSE
from kie_gateway.core.task import CompletedBy, Status, Submission, Task
from kie_gateway.core.timeline import Happened
from kie_gateway.flows.submitting.resume_submit_queue import ResumeSubmitQueue
from kie_gateway.flows.submitting.submit_now import SubmitNow
from kie_gateway.flows.watching.watches import Watches
from tests.fakes import Clock, FakeExecutions, FakeQueue, FakeSubmitQueue, FakeTaskStore
from tests.flows import submitting_watched
from tests.makers import NOW, RESULT_URL, TASK_ID, UPSTREAM_ID, make_task, seconds

WAITING = make_task(submission=Submission.WAITING, next_at=NOW + seconds(500))
HOUR = NOW + CREDITS_PAUSE


class Scene:
    """Tasks that wait to be sent; Kie.ai takes them unless told otherwise."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = FakeTaskStore()
        self.submit_queue = FakeSubmitQueue(self.store, self.clock.now)
        self.executions, self.queue = FakeExecutions(), FakeQueue()
        self.sent: list[str] = []
        self.answer = "accept"

    def add(self, task: Task) -> Task:
        self.store.create(task, (), None)
        return task

    def wait(self, task_id: str, owner: str = "alice", credits_: int = 4) -> Task:
        """Let a task join the queue."""
        ticket = self.submit_queue.enqueue(owner)
        reservation = Reservation(Decimal(credits_), 60)
        task = make_task(task_id=task_id, owner=owner, submission=Submission.WAITING)
        task = replace(task, submit_turn=ticket.turn, next_at=ticket.at, reservation=reservation)
        return self.add(task)

    def send(self, task: Task) -> Task:
        submit = submitting_watched(
            self.store, self.submit, self.executions, self.queue, self.clock.now
        )
        flow = SubmitNow(self.store, self.submit_queue, submit, self.resuming(), self.clock.now)
        return flow(self.store.the(task))

    def submit(self, task: Task) -> Task:
        self.sent.append(task.task_id)
        now, next_at = self.clock.at, self.clock.at + seconds(30)

        def decide(current: Task) -> Move | None:
            match self.answer:
                case "accept":
                    return submission_moves.submitted(
                        current, UPSTREAM_ID, next_at=next_at, now=now
                    )
                case "at once":
                    done = Finished("success", (Source(RESULT_URL),))
                    return submission_moves.answered_at_once(current, UPSTREAM_ID, done, now=now)
                case "unknown":
                    return submission_moves.lose_submission(current, "?", next_at=next_at, now=now)
            return submission_moves.refuse(
                current, "no", "402", next_at=HOUR + seconds(9), now=now, turn=9
            )

        return self.store.move(task, decide).task

    def resume(self, most: int = 100) -> int:
        return self.resuming(most)()

    def resuming(self, most: int = 100) -> ResumeSubmitQueue:
        watches = Watches(self.store, self.executions, self.clock.now)
        return ResumeSubmitQueue(self.store, self.submit_queue, watches, self.clock.now, most)

    def resume_if_funded(self, balance: float | None) -> int:
        return self.resuming().if_funded(None if balance is None else Decimal(balance))


# --- sending ------------------------------------------------------------------------------------


def test_what_is_sent_sooner_is_watched_sooner() -> None:
    scene = Scene()
    task = scene.send(scene.add(WAITING))
    assert (task.status, task.watches) == (Status.RUNNING, 2)
    assert scene.executions.started == {(TASK_ID, 2): NOW + seconds(30)}
    assert scene.executions.stopped == [(TASK_ID, 1)]


def test_who_stands_in_line_waits_for_the_turn() -> None:
    scene = Scene()
    scene.submit_queue.report_refusal(None)
    task = scene.wait("task_1")
    assert scene.send(task) == task
    assert scene.sent == []


def test_a_refresh_finds_out_whether_there_are_credits() -> None:
    scene = Scene()
    scene.submit_queue.pause_for_credits()
    scene.wait("task_1")
    scene.answer = "no credits"
    task = scene.send(scene.wait("task_2"))
    assert (scene.sent, task.status) == (["task_2"], Status.QUEUED)
    state = scene.submit_queue.state()
    assert state is not None
    assert (state.for_credits, state.not_before) == (True, HOUR)
    # Its watch looks soon enough as it is.
    assert (scene.executions.started, scene.executions.stopped) == ({}, [])


def test_with_credits_again_everybody_gets_an_earlier_slot() -> None:
    scene = Scene()
    scene.submit_queue.pause_for_credits()
    names = [f"task_{number}" for number in range(3)]
    tasks = [scene.wait(name) for name in names]
    scene.clock.advance(60)
    assert scene.send(tasks[2]).status is Status.RUNNING
    found = [scene.store.the(task) for task in tasks]
    assert [task.next_at for task in found[:2]] == [NOW + seconds(60), NOW + seconds(60.515)]
    # Whose turn it is does not change.
    assert [task.submit_turn for task in found] == [1, 2, 3]
    assert scene.executions.started == {
        ("task_0", 2): NOW + seconds(59),
        ("task_1", 2): NOW + seconds(59.515),
        ("task_2", 2): NOW + seconds(90),
    }
    assert sorted(scene.executions.stopped) == [(name, 1) for name in names]
    assert scene.store.happened(tasks[0]) == [Happened.WATCH_STARTED]
    state = scene.submit_queue.state()
    assert state is None or not state.for_credits


@pytest.mark.parametrize("answer", ["unknown", "no credits"])
def test_any_other_answer_leaves_the_others_waiting(answer: str) -> None:
    scene = Scene()
    scene.submit_queue.pause_for_credits()
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
    scene.submit_queue.report_refusal(None)
    tasks = [scene.wait(f"task_{number}") for number in range(3)]
    assert scene.resume() == 0
    assert [scene.store.the(task) for task in tasks] == tasks


def test_as_many_get_a_slot_as_there_is_time_for() -> None:
    scene = Scene()
    scene.submit_queue.pause_for_credits()
    tasks = [scene.wait(f"task_{number}") for number in range(5)]
    assert [scene.resume(most=2) for _ in range(4)] == [2, 2, 1, 0]
    tickets = [scene.store.the(task).next_at for task in tasks]
    assert tickets == [NOW + number * seconds(0.515) for number in range(5)]


def test_who_has_been_sent_or_is_gone_needs_no_slot() -> None:
    scene = Scene()
    scene.submit_queue.pause_for_credits()
    sent, canceled, waiting = (scene.wait(f"task_{number}") for number in range(3))
    scene.submit_queue.waiting = lambda: iter(  # type: ignore[method-assign]
        [sent.task_id, canceled.task_id, "task_gone", waiting.task_id]
    )
    scene.store.move(sent, lambda task: submission_moves.start_submission(task, NOW))
    scene.store.move(canceled, lambda task: ending_moves.cancel(task, NOW))
    assert scene.resume() == 1
    assert [name for name, _ in scene.executions.started] == [waiting.task_id]


@pytest.mark.parametrize(
    ("balance", "resumed"), [(None, 0), (0, 0), (-3, 0), (0.5, 0), (9.99, 2), (10, 2), (500, 2)]
)
def test_the_line_goes_on_when_there_is_enough_for_somebody(
    balance: float | None, resumed: int
) -> None:
    scene = Scene()
    scene.submit_queue.pause_for_credits()
    scene.wait("task_1", credits_=10)
    scene.wait("task_2", credits_=1)
    assert scene.resume_if_funded(balance) == resumed
    state = scene.submit_queue.state()
    assert (state is not None and state.for_credits) is (resumed == 0)


def test_a_line_that_nobody_stands_in_goes_on_with_any_credits() -> None:
    scene = Scene()
    scene.submit_queue.pause_for_credits()
    assert scene.resume_if_funded(0.1) == 0
    assert scene.submit_queue.state() is None or not scene.submit_queue.state().for_credits  # type: ignore[union-attr]


def test_who_was_left_behind_is_pulled_forward_whatever_the_balance() -> None:
    scene = Scene()
    scene.submit_queue.pause_for_credits()
    scene.wait("task_1")
    scene.wait("task_2")
    scene.resume(most=1)
    assert scene.resume_if_funded(None) == 1
