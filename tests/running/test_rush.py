"""Three hundred creations at once against Kie.ai's limit, on the running gateway."""

from itertools import permutations

import pytest

from bench.rushing import LIMIT, SHARES, Rush, Wanted, rush

pytestmark = pytest.mark.long

TOTAL = 300


@pytest.fixture(scope="module")
def rushed(tmp_path_factory: pytest.TempPathFactory) -> Rush:
    return rush(TOTAL, tmp_path_factory.mktemp("rush"))


def of(rushed: Rush, owner: str) -> list[Wanted]:
    return [task for task in rushed.tasks if task.owner == owner]


def fair_order(rushed: Rush) -> list[tuple[Wanted, Wanted]]:
    """Pair tasks of one owner of which one was answered before the other was asked for."""
    pairs = [pair for owner in SHARES for pair in permutations(of(rushed, owner), 2)]
    return [(one, other) for one, other in pairs if one.answered_at < other.asked_at]


def test_all_succeed_and_each_is_taken_once(rushed: Rush) -> None:
    assert rushed.statuses == {"succeeded": TOTAL}
    assert {task.accepted for task in rushed.tasks} == {1}


def test_fewer_than_a_tenth_of_the_calls_are_refused(rushed: Rush) -> None:
    assert rushed.refused < TOTAL / 10


def test_an_owners_tasks_are_sent_in_the_order_they_came(rushed: Rush) -> None:
    pairs = fair_order(rushed)
    assert len(pairs) > TOTAL
    late = [(one, other) for one, other in pairs if one.started[0] > other.started[0]]
    assert late == []


def test_kie_takes_them_in_that_order_but_for_those_it_refused(rushed: Rush) -> None:
    for one, other in fair_order(rushed):
        # Two may be on their way at the same time, and arrive in either order.
        together = other.started[-1] - one.started[-1] < 1
        assert one.sent_at < other.sent_at or one.refused or together, (one, other)


@pytest.mark.parametrize("owner", SHARES)
def test_no_owner_waits_for_more_than_its_share(rushed: Rush, owner: str) -> None:
    tasks = of(rushed, owner)
    came, last = max(task.answered_at for task in tasks), max(task.sent_at for task in tasks)
    meanwhile = [task for task in rushed.tasks if came < task.sent_at <= last]
    waiting = sum(task.sent_at > came for task in tasks)
    # One turn in as many as there are owners, and a window for those that were under way.
    assert len(meanwhile) <= waiting * len(SHARES) + LIMIT
