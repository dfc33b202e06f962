"""The submit queue: one suite for the table on moto and for the fake."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from kie_gateway.aws.submit_queue_table import SubmitQueueTable
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.moves import submission_moves
from kie_gateway.core.ports.submit_queue import SubmitQueue
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.submit_queue import Permit, Rate
from kie_gateway.core.task import Submission
from tests.fakes import Clock, FakeSubmitQueue, FakeTaskStore
from tests.makers import NOW, make_task, seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

INTERVAL = 0.515


@dataclass
class Scene:
    """A queue, the record beside it, and the time."""

    submit_queue: SubmitQueue
    tasks: TaskStore
    clock: Clock

    def wait(self, task_id: str, owner: str) -> None:
        """Let a new task join."""
        ticket = self.submit_queue.enqueue(owner)
        task = make_task(task_id=task_id, owner=owner, submission=Submission.WAITING)
        self.tasks.create(replace(task, submit_turn=ticket.turn, next_at=ticket.at), (), None)


@pytest.fixture(params=["table", "fake"])
def scene(request: pytest.FixtureRequest, dynamodb: "DynamoDBClient", table_name: str) -> Scene:
    clock = Clock()
    if request.param == "fake":
        store = FakeTaskStore()
        return Scene(FakeSubmitQueue(store, clock.now), store, clock)
    submit_queue = SubmitQueueTable(dynamodb, table_name, Rate(), clock.now)
    return Scene(submit_queue, TaskTable(dynamodb, table_name), clock)


def after(count: float) -> datetime:
    return NOW + seconds(count)


def test_there_is_no_line_until_kie_refuses(scene: Scene) -> None:
    assert scene.submit_queue.state() is None
    scene.submit_queue.report_refusal(None)
    state = scene.submit_queue.state()
    assert state is not None
    assert state.not_before == after(10)


def test_a_pause_lasts_as_long_as_kie_says(scene: Scene) -> None:
    scene.submit_queue.report_refusal(3)
    assert scene.submit_queue.enqueue("alice").at == after(3)


def test_slots_follow_one_another_and_turns_go_by_owner(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    tickets = [scene.submit_queue.enqueue(owner) for owner in ("alice", "alice", "bob", "alice")]
    assert [ticket.at for ticket in tickets] == [
        after(10 + number * INTERVAL) for number in range(4)
    ]
    assert [ticket.turn for ticket in tickets] == [1, 2, 1, 3]


def test_refusals_at_the_same_time_make_one_pause(scene: Scene) -> None:
    for _ in range(5):
        scene.submit_queue.report_refusal(None)
        scene.clock.advance(1)
    assert scene.submit_queue.enqueue("alice").at == after(10)


def test_a_refusal_after_the_pause_holds_the_line_up_for_a_moment(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    for _ in range(20):
        scene.submit_queue.enqueue("alice")
    scene.clock.advance(12)
    scene.submit_queue.report_refusal(None)
    state = scene.submit_queue.state()
    assert state is not None
    assert (state.not_before, state.tickets) == (after(12.5), 20)


def test_the_line_ends_by_itself_and_begins_anew(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    scene.submit_queue.enqueue("alice")
    scene.submit_queue.enqueue("alice")
    scene.clock.advance(20 + INTERVAL)
    assert scene.submit_queue.state() is None
    scene.submit_queue.report_refusal(None)
    ticket = scene.submit_queue.enqueue("alice")
    assert (ticket.at, ticket.turn) == (after(30 + INTERVAL), 1)


def test_slots_that_nobody_took_are_gone(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    scene.clock.advance(15)
    first, second = scene.submit_queue.enqueue("alice"), scene.submit_queue.enqueue("alice")
    assert (first.at, second.at) == (after(15), after(15 + INTERVAL))


def test_whoever_comes_late_begins_with_the_round_that_is_on(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    for _ in range(9):
        scene.submit_queue.enqueue("alice")
    scene.submit_queue.advance_to(5)
    scene.submit_queue.advance_to(4)
    assert [scene.submit_queue.enqueue("bob").turn for _ in range(2)] == [6, 7]


def test_tasks_stand_in_line_until_they_are_sent(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    for task_id, owner in (("task_1", "alice"), ("task_2", "alice"), ("task_3", "bob")):
        scene.wait(task_id, owner)
    assert list(scene.submit_queue.front()) == ["task_1", "task_3", "task_2"]
    task = scene.tasks.get("task_1")
    assert task is not None
    scene.tasks.move(task, lambda one: submission_moves.start_submission(one, NOW))
    assert list(scene.submit_queue.front()) == ["task_3", "task_2"]


def test_everybody_gets_a_slot_of_their_own(scene: Scene) -> None:
    """One after the other: DynamoDB counts for many at once, moto does not."""
    scene.submit_queue.report_refusal(None)
    at = [scene.submit_queue.enqueue(f"owner {n % 3}").at - NOW for n in range(60)]
    assert at == [seconds(10 + number * INTERVAL) for number in range(60)]


@pytest.mark.large
def test_any_number_of_owners_may_wait_in_the_queue(scene: Scene) -> None:
    """Each counts for itself; in one item they would not fit."""
    scene.submit_queue.report_refusal(None)
    turns = [scene.submit_queue.enqueue(f"{number:064}").turn for number in range(200)]
    assert set(turns) == {1}
    assert scene.submit_queue.enqueue(f"{0:064}").turn == 2


def test_turns_of_a_line_that_has_ended_do_not_count(scene: Scene) -> None:
    scene.submit_queue.report_refusal(0)
    for _ in range(3):
        scene.submit_queue.enqueue("alice")
    scene.clock.advance(60)
    scene.submit_queue.report_refusal(0)
    assert [scene.submit_queue.enqueue(owner).turn for owner in ("alice", "bob", "alice")] == [
        1,
        1,
        2,
    ]


# --- moments to send at -------------------------------------------------------------------------


def test_nothing_is_reserved_while_there_is_no_queue(scene: Scene) -> None:
    assert [scene.submit_queue.acquire_permit(seconds(0)) for _ in range(30)] == [
        Permit(NOW, is_granted=True)
    ] * 30


def test_no_ten_seconds_hold_more_moments_than_kie_takes(scene: Scene) -> None:
    scene.submit_queue.report_refusal(0)
    at = [scene.submit_queue.acquire_permit(seconds(100)).at - NOW for _ in range(45)]
    # As fast as they may go, a little apart, so that they arrive in order.
    assert at[:20] == [seconds(number * 0.1) for number in range(20)]
    assert at[20:40] == [seconds(10.2 + number * 0.1) for number in range(20)]
    assert at[40:] == [seconds(20.4 + number * 0.1) for number in range(5)]


def test_a_moment_that_is_too_late_is_only_told(scene: Scene) -> None:
    scene.submit_queue.report_refusal(0)
    for _ in range(20):
        scene.submit_queue.acquire_permit(seconds(100))
    too_late = Permit(after(10.2), is_granted=False)
    assert [scene.submit_queue.acquire_permit(seconds(3)) for _ in range(3)] == [too_late] * 3
    scene.clock.advance(10.2)
    assert scene.submit_queue.acquire_permit(seconds(0)) == replace(too_late, is_granted=True)


def test_who_was_late_takes_room_when_it_was_sent(scene: Scene) -> None:
    scene.clock.advance(0.1234567)
    scene.submit_queue.report_refusal(0)
    moments = [scene.submit_queue.acquire_permit(seconds(100)).at for _ in range(20)]
    scene.submit_queue.correct_permit(moments[0], after(5))
    following = [scene.submit_queue.acquire_permit(seconds(100)).at for _ in range(20)]
    # The late one leaves the window last.
    assert following[0] - moments[1] == following[18] - moments[19] == seconds(10.2)
    assert following[19] == after(15.2)


def test_what_is_not_known_is_not_corrected(scene: Scene) -> None:
    scene.submit_queue.correct_permit(NOW, after(5))
    scene.submit_queue.report_refusal(0)
    scene.submit_queue.correct_permit(NOW, after(5))
    assert scene.submit_queue.acquire_permit(seconds(100)).at == NOW


# --- without credits ----------------------------------------------------------------------------


def test_without_credits_slots_begin_an_hour_later(scene: Scene) -> None:
    scene.submit_queue.pause_for_credits()
    state = scene.submit_queue.state()
    assert state is not None
    assert (state.for_credits, state.not_before) == (True, after(3600))
    tickets = [scene.submit_queue.enqueue(owner) for owner in ("alice", "bob")]
    assert [ticket.at for ticket in tickets] == [after(3600), after(3600 + INTERVAL)]
    assert all(ticket.for_credits for ticket in tickets)


def test_a_line_that_has_begun_is_held_with_all_who_stand_in_it(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    taken = [scene.submit_queue.enqueue("alice") for _ in range(3)]
    scene.submit_queue.pause_for_credits()
    ticket = scene.submit_queue.enqueue("alice")
    # Tickets that were given before come while nothing is sent; whoever has one joins again.
    assert [one.for_credits for one in taken] == [False] * 3
    assert (ticket.at, ticket.turn, ticket.for_credits) == (after(3600), 4, True)


def test_refusals_for_credits_at_the_same_time_make_one_pause(scene: Scene) -> None:
    for _ in range(3):
        scene.submit_queue.pause_for_credits()
        scene.submit_queue.enqueue("alice")
        scene.clock.advance(1)
    assert scene.submit_queue.enqueue("alice").at == after(3600 + 3 * INTERVAL)


def test_a_refusal_after_the_hour_makes_another(scene: Scene) -> None:
    scene.submit_queue.pause_for_credits()
    scene.submit_queue.enqueue("alice")
    scene.clock.advance(3600)
    scene.submit_queue.pause_for_credits()
    assert scene.submit_queue.enqueue("alice").at == after(7200)


def test_too_many_at_once_does_not_shorten_the_pause(scene: Scene) -> None:
    scene.submit_queue.pause_for_credits()
    scene.submit_queue.report_refusal(None)
    assert scene.submit_queue.enqueue("alice").at == after(3600)


def test_with_credits_again_slots_begin_at_once(scene: Scene) -> None:
    scene.submit_queue.pause_for_credits()
    left = [scene.submit_queue.enqueue("alice") for _ in range(2)]
    scene.clock.advance(60)
    scene.submit_queue.resume()
    assert scene.submit_queue.last_ticket_at() == after(60)
    tickets = [scene.submit_queue.enqueue("alice") for _ in range(2)]
    assert [ticket.at for ticket in tickets] == [after(60), after(60 + INTERVAL)]
    assert [ticket.for_credits for ticket in tickets] == [False, False]
    assert scene.submit_queue.last_ticket_at() == tickets[-1].at < left[0].at


def test_at_the_end_of_the_hour_the_slots_go_on_as_they_are(scene: Scene) -> None:
    scene.submit_queue.pause_for_credits()
    tickets = [scene.submit_queue.enqueue("alice") for _ in range(4)]
    scene.clock.advance(3600)
    scene.submit_queue.resume()
    assert scene.submit_queue.enqueue("alice").at == tickets[-1].at + seconds(INTERVAL)


def test_there_is_nothing_to_resume_unless_credits_are_missing(scene: Scene) -> None:
    scene.submit_queue.resume()
    assert scene.submit_queue.state() is None
    assert scene.submit_queue.last_ticket_at() == NOW
    scene.submit_queue.report_refusal(None)
    scene.submit_queue.resume()
    assert scene.submit_queue.enqueue("alice").at == after(10)


@pytest.mark.large
def test_everybody_in_line_can_be_named(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    names = [f"task_{number:03}" for number in range(120)]
    for name in names:
        scene.wait(name, "alice")
    assert list(scene.submit_queue.waiting()) == names


# --- a Kie.ai that keeps refusing ---------------------------------------------------------------


def refused_after(scene: Scene) -> float:
    """Try when the queue lets somebody, and be refused; tells after how long nobody may again."""
    state = scene.submit_queue.state()
    assert state is not None
    scene.clock.at = max(state.not_before, scene.clock.at)
    permit = scene.submit_queue.acquire_permit(seconds(3))
    assert permit.is_granted
    scene.clock.at = permit.at
    scene.submit_queue.report_refusal(None)
    paused = scene.submit_queue.state()
    assert paused is not None
    return (paused.not_before - scene.clock.at).total_seconds()


def test_pauses_grow_to_a_minute_while_kie_keeps_refusing(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    scene.submit_queue.enqueue("alice")
    pauses = [refused_after(scene) for _ in range(10)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_creation_that_is_taken_makes_pauses_short_again(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    scene.submit_queue.enqueue("alice")
    assert [refused_after(scene) for _ in range(4)] == [0.5, 1, 2, 4]
    scene.submit_queue.report_acceptance()
    scene.submit_queue.enqueue("alice")
    assert refused_after(scene) == 0.5


def test_only_one_tries_while_kie_keeps_refusing(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    scene.submit_queue.enqueue("alice")
    refused_after(scene)
    scene.clock.advance(1)
    tries = [scene.submit_queue.acquire_permit(seconds(3)) for _ in range(5)]
    assert [one.is_granted for one in tries] == [True, False, False, False, False]
    assert {one.at for one in tries[1:]} == {scene.clock.at + seconds(1)}


def test_what_kie_asks_for_is_kept_to_however_short_the_pause_would_be(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    scene.submit_queue.enqueue("alice")
    refused_after(scene)
    scene.clock.advance(1)
    assert scene.submit_queue.acquire_permit(seconds(3)).is_granted
    scene.submit_queue.report_refusal(45)
    state = scene.submit_queue.state()
    assert state is not None
    assert state.not_before == scene.clock.at + seconds(45)


def test_refusals_of_long_ago_do_not_count(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    scene.submit_queue.enqueue("alice")
    for _ in range(6):
        refused_after(scene)
    scene.clock.advance(600)
    scene.submit_queue.report_refusal(None)
    state = scene.submit_queue.state()
    assert state is not None
    assert (state.refusals, state.not_before) == (1, scene.clock.at + seconds(10))


def test_a_line_that_ended_a_moment_ago_is_still_refused(scene: Scene) -> None:
    scene.submit_queue.report_refusal(None)
    scene.submit_queue.enqueue("alice")
    for _ in range(7):
        refused_after(scene)
    scene.clock.advance(32 + 30)
    assert scene.submit_queue.state() is None
    scene.submit_queue.report_refusal(None)
    state = scene.submit_queue.state()
    assert state is not None
    assert state.not_before == scene.clock.at + seconds(60)


# --- some credits, but not enough for all -------------------------------------------------------


def test_what_is_left_of_the_account_may_still_be_spent(scene: Scene) -> None:
    scene.submit_queue.pause_for_credits(Decimal("7.25"))
    state = scene.submit_queue.state()
    assert state is not None
    assert [state.covers(price) for price in (None, Decimal(7), Decimal(8))] == [
        True,
        True,
        False,
    ]
    scene.clock.advance(60)
    scene.submit_queue.pause_for_credits(Decimal(2))
    state = scene.submit_queue.state()
    assert state is not None
    assert (state.funds, state.not_before) == (Decimal(2), after(3600))
    scene.submit_queue.pause_for_credits()
    state = scene.submit_queue.state()
    assert state is not None
    assert not state.covers(None)


def test_who_waits_for_credits_alone_is_not_in_line_and_can_be_named(scene: Scene) -> None:
    scene.submit_queue.report_refusal(0)
    scene.wait("task_1", "alice")
    alone = make_task(task_id="task_2", submission=Submission.WAITING)
    alone = replace(alone, submit_turn=0, short_of_credits=True, next_at=after(60))
    scene.tasks.create(alone, (), None)
    assert list(scene.submit_queue.front()) == list(scene.submit_queue.waiting()) == ["task_1"]
    assert list(scene.submit_queue.short_of_credits()) == ["task_2"]
    moved = scene.tasks.move(
        alone, lambda task: submission_moves.wait_on(task, next_at=after(5), turn=3)
    ).task
    assert (moved.submit_turn, moved.short_of_credits) == (3, False)
    assert list(scene.submit_queue.short_of_credits()) == []
    assert list(scene.submit_queue.front()) == ["task_1", "task_2"]
