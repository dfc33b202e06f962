"""Tickets and turns in the submit queue."""

from collections import Counter

import pytest

from kie_gateway.core.submit_queue import WINDOW, QueuedTask, Rate, SubmitQueueState, fair_order
from tests.makers import NOW, seconds

RATE = Rate()


def state(tickets: int = 0, *, pause: float = 0) -> SubmitQueueState:
    return SubmitQueueState(since=NOW, tickets=tickets, not_before=NOW + seconds(pause), turn=0)


def test_no_ten_seconds_hold_more_slots_than_kie_takes() -> None:
    at = [state().ticket_at(number, RATE) for number in range(1, 301)]
    assert at == sorted(at)
    assert max(sum(one <= other < one + WINDOW for other in at) for one in at) == RATE.creations
    # And hardly fewer.
    assert at[-1] - at[0] < 1.04 * 299 * WINDOW / RATE.creations


def test_no_slot_lies_in_a_pause() -> None:
    held = state(pause=5)
    assert held.ticket_at(1, RATE) == held.ticket_at(9, RATE) == NOW + seconds(5)
    assert held.ticket_at(12, RATE) > NOW + seconds(5)


@pytest.mark.parametrize(("tickets", "ends_after"), [(1, 10), (21, 10 + 20 * 0.515)])
def test_the_line_ends_when_the_last_slot_is_out_of_the_window(
    tickets: int, ends_after: float
) -> None:
    submit_queue = state(tickets)
    assert submit_queue.is_busy(NOW + seconds(ends_after - 0.01), RATE)
    assert not submit_queue.is_busy(NOW + seconds(ends_after), RATE)


def test_turns_go_round_the_owners() -> None:
    submit_queue = [QueuedTask(f"a{n:03}", "alice", n + 1) for n in range(50)]
    submit_queue += [QueuedTask(f"b{n:03}", "bob", n + 1) for n in range(3)]
    submit_queue += [QueuedTask("c000", "carol", 1)]

    order = fair_order(submit_queue)

    assert order[:3] == ["a000", "b000", "c000"]
    assert Counter(name[0] for name in order[:7]) == {"a": 3, "b": 3, "c": 1}
    assert sorted(order) == sorted(one.task_id for one in submit_queue)


def test_an_owners_tasks_go_by_age_whatever_turns_they_got() -> None:
    submit_queue = [
        QueuedTask("a1", "alice", 9),
        QueuedTask("b1", "bob", 2),
        QueuedTask("a2", "alice", 1),
    ]
    assert fair_order(submit_queue) == ["a1", "b1", "a2"]


def test_creations_are_sent_at_once_while_there_is_room() -> None:
    assert RATE.next_permit_at([], NOW) == NOW
    assert RATE.next_permit_at([NOW - seconds(3)] * 19, NOW) == NOW


def test_two_creations_are_never_sent_at_one_moment() -> None:
    assert RATE.next_permit_at([NOW], NOW) == NOW + seconds(0.1)
    assert RATE.next_permit_at([NOW + seconds(1), NOW - seconds(1)], NOW) == NOW + seconds(1.1)


def test_a_full_window_is_waited_for_with_some_care() -> None:
    sent = [NOW - seconds(9 - number / 4) for number in range(20)]
    assert RATE.next_permit_at(sent, NOW) == NOW + seconds(1.2)
    # In whatever order they were written down, and however many more there were.
    assert RATE.next_permit_at([*sent[::-1], NOW - seconds(60)], NOW) == NOW + seconds(1.2)
