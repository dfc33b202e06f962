"""Whose turn it is when a ticket comes."""

import heapq
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from kie_gateway.core.moves import ending_moves, submission_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.task import Status, Submission, Task
from kie_gateway.flows.submitting.submit_from_queue import SubmitFromQueue
from tests.fakes import Clock, FakeSubmitQueue, FakeTaskStore
from tests.makers import NOW, UPSTREAM_ID, make_task, seconds


class Scene:
    """A queue in which tasks wait, and what has been sent."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = FakeTaskStore()
        self.submit_queue = FakeSubmitQueue(self.store, self.clock.now)
        self.sent: list[str] = []

    def wait(self, task_id: str, owner: str = "alice") -> Task:
        ticket = self.submit_queue.enqueue(owner)
        task = make_task(task_id=task_id, owner=owner, submission=Submission.WAITING)
        deadline_at = NOW + seconds(86400)
        task = replace(task, submit_turn=ticket.turn, next_at=ticket.at, deadline_at=deadline_at)
        self.store.create(task, (), None)
        return task

    def take(self, task: Task) -> Task:
        flow = SubmitFromQueue(
            self.store, self.submit_queue, self.submit, self.clock.now, self.clock.advance
        )
        return flow(self.store.the(task))

    def submit(self, task: Task) -> Task:
        self.sent.append(task.task_id)
        now = self.clock.at

        def decide(current: Task) -> Move | None:
            upstream_id = f"{UPSTREAM_ID}{current.task_id}"
            return submission_moves.submitted(
                current, upstream_id, next_at=now + seconds(30), now=now
            )

        return self.store.move(task, decide).task


def test_without_a_queue_a_task_is_sent_itself() -> None:
    scene = Scene()
    task = make_task(submission=Submission.WAITING)
    scene.store.create(task, (), None)
    assert scene.take(task).status is Status.RUNNING
    assert scene.sent == [task.task_id]


def test_a_slot_goes_to_whoever_is_first_and_the_two_change_places() -> None:
    scene = Scene()
    scene.submit_queue.report_refusal(0)
    tasks = [scene.wait(f"task_{n}") for n in range(3)]
    other = scene.wait("task_9", "bob")
    scene.take(tasks[0])
    scene.clock.advance(1)

    waiting = scene.take(tasks[1])

    assert scene.sent == ["task_0", "task_9"]
    assert (waiting.status, waiting.next_at) == (Status.QUEUED, other.next_at)
    scene.clock.advance(1)
    scene.take(other)
    scene.take(tasks[1])
    assert scene.sent == ["task_0", "task_9", "task_1"]


def test_a_slot_of_a_task_that_is_gone_leaves_the_others_theirs() -> None:
    scene = Scene()
    scene.submit_queue.report_refusal(0)
    canceled, waiting = scene.wait("task_1"), scene.wait("task_2")
    scene.store.move(canceled, lambda task: ending_moves.cancel(task, NOW))
    scene.clock.advance(2)
    assert scene.take(canceled).status is Status.CANCELED
    assert scene.take(waiting).status is Status.RUNNING
    assert scene.sent == ["task_2"]


def test_a_refresh_does_not_jump_the_queue() -> None:
    scene = Scene()
    scene.submit_queue.report_refusal(0)
    last = [scene.wait(f"task_{n}") for n in range(4)][-1]
    assert scene.take(last) == last
    assert scene.sent == []


def test_who_wakes_a_little_early_waits_for_the_slot() -> None:
    scene = Scene()
    scene.submit_queue.report_refusal(10)
    task = scene.wait("task_1")
    scene.clock.advance(9.4)
    assert scene.take(task).submitted_at == task.next_at


def test_nothing_is_sent_in_a_pause() -> None:
    scene = Scene()
    scene.submit_queue.report_refusal(0)
    task = scene.wait("task_1")
    scene.clock.advance(1)
    scene.submit_queue.report_refusal(None)
    waiting = scene.take(task)
    assert scene.sent == []
    assert waiting.submit_turn == task.submit_turn
    assert waiting.next_at == scene.clock.at + seconds(0.5)


def test_a_task_without_a_place_takes_one_behind_the_others() -> None:
    scene = Scene()
    scene.submit_queue.report_refusal(0)
    scene.wait("task_1")
    task = make_task(task_id="task_2", submission=Submission.WAITING)
    scene.store.create(task, (), None)
    waiting = scene.take(task)
    assert (waiting.submit_turn, waiting.next_at) == (2, NOW + seconds(0.515))
    assert scene.sent == []


def test_somebody_else_may_be_sending_the_first() -> None:
    scene = Scene()
    scene.submit_queue.report_refusal(0)
    first, second = scene.wait("task_1"), scene.wait("task_2")
    scene.clock.advance(2)
    scene.submit_queue.front = lambda: ["task_1", "task_2"]  # type: ignore[method-assign]
    scene.store.move(first, lambda task: submission_moves.start_submission(task, scene.clock.at))
    assert scene.take(second).status is Status.RUNNING
    assert scene.sent == ["task_2"]


def test_many_who_come_at_once_send_the_first_and_not_themselves() -> None:
    """As when functions are late, and the tickets of many have passed."""
    scene = Scene()
    scene.submit_queue.report_refusal(0)
    tasks = [scene.wait(f"task_{number:02}") for number in range(20)]
    scene.clock.advance(20)
    names = [task.task_id for task in tasks]
    scene.submit_queue.front = lambda: names  # type: ignore[method-assign]
    for task in reversed(tasks[10:]):
        scene.take(task)
    assert scene.sent == names[:10]


def test_who_finds_nobody_to_send_comes_back_in_a_moment() -> None:
    scene = Scene()
    scene.submit_queue.report_refusal(0)
    task = scene.wait("task_1")
    scene.clock.advance(1)
    scene.submit_queue.front = list  # type: ignore[method-assign]
    waiting = scene.take(task)
    assert (waiting.next_at, waiting.submit_turn) == (
        scene.clock.at + seconds(0.5),
        task.submit_turn,
    )
    assert scene.sent == []


def test_a_creation_refused_for_another_reason_leaves_the_queue() -> None:
    """Or it would be first again at every ticket, and refused again."""
    scene = Scene()
    scene.submit_queue.report_refusal(0)
    poor, other = scene.wait("task_1"), scene.wait("task_2")

    def refused(task: Task) -> Task:
        scene.sent.append(task.task_id)
        later = scene.clock.at + seconds(3600)

        def decide(current: Task) -> Move | None:
            return submission_moves.refuse(
                current, "no credits", "402", next_at=later, now=scene.clock.at
            )

        return scene.store.move(task, decide).task

    scene.submit = refused  # type: ignore[method-assign]
    scene.clock.advance(1)
    scene.take(poor)
    assert scene.sent == ["task_1"]
    assert scene.submit_queue.front() == ["task_2"]
    scene.take(other)
    assert scene.sent == ["task_1", "task_2"]


# --- moments to send at -------------------------------------------------------------------------


def busy(scene: Scene, permits: int) -> Task:
    """Let a task's ticket come when so many have just been sent."""
    scene.submit_queue.report_refusal(0)
    for _ in range(permits):
        scene.submit_queue.acquire_permit(seconds(100))
    return scene.wait("task_1")


def test_a_task_whose_slot_comes_waits_until_kie_has_room() -> None:
    scene = Scene()
    task = busy(scene, 20)
    scene.clock.advance(8)
    assert scene.take(task).submitted_at == NOW + seconds(10.2)


def test_a_task_that_would_wait_for_long_goes_to_sleep_again() -> None:
    scene = Scene()
    task = busy(scene, 20)
    scene.clock.advance(2)
    waiting = scene.take(task)
    assert (scene.sent, waiting.submit_turn) == ([], task.submit_turn)
    assert waiting.next_at == NOW + seconds(10.2)
    scene.clock.advance(8.2)
    assert scene.take(waiting).status is Status.RUNNING


def test_what_was_sent_late_takes_room_from_then_on() -> None:
    scene = Scene()
    task = busy(scene, 0)
    first = scene.submit_queue.front

    def slow() -> list[str]:
        scene.clock.advance(2)
        return first()

    scene.submit_queue.front = slow  # type: ignore[method-assign]
    scene.take(task)
    moments = [scene.submit_queue.acquire_permit(seconds(100)).at for _ in range(20)]
    assert moments[0] == NOW + seconds(2.1)
    assert moments[19] == NOW + seconds(12.2)


# --- without credits ----------------------------------------------------------------------------


def test_the_first_that_is_taken_after_a_pause_ends_it() -> None:
    scene = Scene()
    scene.submit_queue.pause_for_credits()
    task = scene.wait("task_1")
    scene.clock.advance(3600)
    assert scene.take(task).status is Status.RUNNING
    state = scene.submit_queue.state()
    assert state is not None
    assert not state.for_credits


def test_the_first_that_is_refused_after_a_pause_begins_another() -> None:
    scene = Scene()
    scene.submit_queue.pause_for_credits()
    first, second = scene.wait("task_1"), scene.wait("task_2")

    def refused(task: Task) -> Task:
        scene.sent.append(task.task_id)
        scene.submit_queue.pause_for_credits()
        ticket = scene.submit_queue.enqueue(task.owner)
        now = scene.clock.at

        def decide(current: Task) -> Move | None:
            return submission_moves.refuse(
                current, "no", "402", next_at=ticket.at, now=now, turn=ticket.turn
            )

        return scene.store.move(task, decide).task

    scene.submit = refused  # type: ignore[method-assign]
    scene.clock.advance(3600)
    scene.take(first)
    scene.clock.advance(1)
    waiting = scene.take(second)
    assert scene.sent == ["task_1"]
    assert waiting.next_at is not None
    assert waiting.next_at > NOW + seconds(7200)
    # It keeps its turn, and is the first to find out next time.
    assert scene.submit_queue.front() == ["task_1", "task_2"]


# --- a Kie.ai that keeps refusing ---------------------------------------------------------------

# Of the machine, for each look at a task; it may have 25,000 in all.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
EVENTS_PER_LOOK = 9


class Day(Scene):
    """
    Tasks in the queue before a Kie.ai that takes creations at some times only.

    Attributes:
        is_open: Tells whether it takes them, by the seconds since the first.
        tries: When it was asked, in seconds, and for whom.
        taken: When which task was taken.
        looks: How often the machine looked at a task.
    """

    def __init__(self, is_open: Callable[[float], bool]) -> None:
        super().__init__()
        self.is_open = is_open
        self.tries: list[tuple[float, str]] = []
        self.taken: dict[str, float] = {}
        self.looks: dict[str, int] = {}

    @property
    def age(self) -> float:
        return (self.clock.at - NOW).total_seconds()

    def submit(self, task: Task) -> Task:
        self.tries.append((self.age, task.task_id))
        if self.is_open(self.age):
            self.taken[task.task_id] = self.age
            return super().submit(task)
        self.submit_queue.report_refusal(None)
        ticket, now = self.submit_queue.enqueue(task.owner), self.clock.at

        def decide(current: Task) -> Move | None:
            return submission_moves.refuse(
                current, "no", "429", next_at=ticket.at, now=now, turn=ticket.turn
            )

        return self.store.move(task, decide).task

    def pass_(self, tasks: list[Task], seconds_: float) -> None:
        """Let the machine look at each task when it is due, on whole seconds as it does."""
        due = [(0.0, task.task_id, task) for task in tasks]
        while due and due[0][0] < seconds_:
            at, name, task = heapq.heappop(due)
            if at > self.age:
                self.clock.advance(at - self.age)
            self.looks[name] = self.looks.get(name, 0) + 1
            after = self.take(task)
            if after.status is Status.QUEUED and after.next_at is not None:
                wake = (after.next_at - NOW).total_seconds() - 1
                heapq.heappush(due, (max(float(round(wake + 0.5)), self.age + 0.05), name, task))


@pytest.mark.parametrize("count", [1, 30])
def test_a_day_of_refusals_makes_few_tries_and_keeps_every_watch_alive(count: int) -> None:
    day = Day(lambda _: False)
    day.submit_queue.report_refusal(None)
    day.pass_(
        [day.wait(f"task_{number:03}", f"owner {number % 7}") for number in range(count)], 86400
    )
    assert 1300 < len(day.tries) < 1500
    assert max(day.looks.values()) * EVENTS_PER_LOOK < 15_000


def test_pauses_double_to_a_minute() -> None:
    day = Day(lambda _: False)
    day.submit_queue.report_refusal(None)
    day.pass_([day.wait("task_1")], 400)
    ages = [age for age, _ in day.tries]
    assert [round(b - a, 1) for a, b in pairwise(ages)][:9] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


def test_all_go_on_once_kie_takes_creations_again_each_in_its_turn() -> None:
    day = Day(lambda age: age > 3600)
    day.submit_queue.report_refusal(None)
    owners = {f"task_{number:03}": f"owner {number % 3}" for number in range(60)}
    day.pass_([day.wait(name, owner) for name, owner in owners.items()], 86400)
    assert sorted(day.taken) == sorted(owners)
    # A minute until somebody finds out, another for those who sleep, and 20 in ten seconds.
    assert max(day.taken.values()) < 3600 + 60 + 60 + 1.2 * 30
    for owner in set(owners.values()):
        own = [
            name for name in sorted(day.taken, key=day.taken.__getitem__) if owners[name] == owner
        ]
        assert own == sorted(own)


def test_a_creation_that_is_taken_begins_the_count_anew() -> None:
    day = Day(lambda age: 100 < age < 200)
    day.submit_queue.report_refusal(None)
    first = day.wait("task_1")
    day.pass_([first], 190)
    assert day.taken
    state = day.submit_queue.state()
    assert state is None or state.refusals == 0
    day.clock.advance(200 - day.age)
    day.tries.clear()
    day.submit_queue.report_refusal(None)
    second = day.wait("task_2")
    day.pass_([second], 230)
    assert len(day.tries) >= 4


def test_one_at_a_time_finds_out_whether_kie_still_refuses() -> None:
    day = Day(lambda _: False)
    day.submit_queue.report_refusal(None)
    tasks = [day.wait(f"task_{number:02}") for number in range(40)]
    day.pass_(tasks, 3600)
    late = [age for age, _ in day.tries if age > 600]
    assert all(b - a >= 59 for a, b in pairwise(late))
    assert len(late) > 45
