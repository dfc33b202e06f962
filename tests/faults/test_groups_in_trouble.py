"""Children are created once, and batches whole, wherever there was trouble."""

from collections.abc import Callable

import pytest

from kie_gateway.core.groups.batch import BatchStatus
from kie_gateway.core.task import Status
from kie_gateway.flows.groups import create_batch_tasks
from tests.faults.explorer import Explorer, Scenario, Tale
from tests.faults.invariants import check_always, is_lost
from tests.functional.faults import Trouble
from tests.functional.owner import Owner
from tests.functional.test_groups import child
from tests.functional.world import World


def succeeds(*prompts: str) -> Callable[[Tale], None]:
    """All of these succeed, unless one above is lost."""

    def check(tale: Tale) -> None:
        tasks = tale.tasks()
        if any(is_lost(task) for task in tasks):
            return
        assert sorted(str(task.input["prompt"]) for task in tasks) == sorted(prompts)
        assert {task.status for task in tasks} == {Status.SUCCEEDED}

    return check


def then(prompt: str) -> Callable[[Tale], None]:
    def tell(tale: Tale) -> None:
        follow = [child("b", name="b"), child("c", name="c")]
        tale.ask("/v1/tasks", **child(prompt, then=follow))
        tale.wait(120)

    return tell


def one_follows(tale: Tale) -> None:
    tale.ask("/v1/tasks", **child("a", then=[child("b")]))
    tale.wait(120)


def two_levels(tale: Tale) -> None:
    beside = child("d", then=[child("e")])
    second = child("b", then=[child("c")], **{"with": [child("f")]})
    tale.ask("/v1/tasks", **child("a", then=[second], **{"with": [beside]}))
    tale.wait(200)


def late(tale: Tale) -> None:
    body = child("a [slow 100]", deadline_seconds=60, then=[child("b")])
    tale.ask("/v1/tasks", **body)
    tale.wait(200)


def canceled(tale: Tale) -> None:
    second = child("b [slow 200]", then=[child("c")])
    body = child("a", then=[second], **{"with": [child("d [slow 200]")]})
    task = tale.ask("/v1/tasks", **body)
    tale.wait(60)
    tale.act(f"/v1/tasks/{task['id']}/cancel", cascade="true")
    tale.wait(60)


def nothing_goes_on(tale: Tale) -> None:
    """What was canceled has ended as that, and no one follows."""
    tasks = {str(task.input["prompt"]): task for task in tale.tasks()}
    assert "c" not in tasks
    for prompt, task in tasks.items():
        if "slow" in prompt and not is_lost(task):
            assert task.status is Status.CANCELED, prompt


def batch(tale: Tale) -> None:
    tale.ask("/v1/batches", item=child("a"), count=3)
    tale.wait(120)


def is_whole(tale: Tale) -> None:
    succeeds("a", "a", "a")(tale)
    found = tale.ledger().batches.items()
    [made] = [one for batch_id, one in found if batch_id not in tale.known]
    assert made.created == 3
    if not any(is_lost(task) for task in tale.tasks()):
        assert made.status is BatchStatus.SUCCEEDED


ONE_FOLLOWS = Scenario("one follows", one_follows, succeeds("a", "b"))
SCENARIOS = [
    Scenario("then, by webhook", then("a"), succeeds("a", "b", "c")),
    Scenario(
        "then, by poll",
        then("a [webhook lost]"),
        succeeds("a [webhook lost]", "b", "c"),
    ),
    Scenario("two levels, with and then", two_levels, succeeds("a", "b", "c", "d", "e", "f")),
    Scenario("late success", late, succeeds("a [slow 100]", "b")),
    Scenario("cancel with all", canceled, nothing_goes_on),
    Scenario("batch in two lots", batch, is_whole),
]


@pytest.fixture(autouse=True)
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Create tasks of batches by two."""
    monkeypatch.setattr(create_batch_tasks, "MOST_WRITES", 6)


@pytest.mark.large
def test_children_are_created_once_though_whoever_settles_their_parent_ends_after_any_call(
    world: World, owner: Owner
) -> None:
    explorer = Explorer(world, owner, ONE_FOLLOWS, check_always)
    places = list(explorer.strikes([Trouble.ENDS_AFTER], ["StoreFunction"]))
    # The second half is that of the child.
    of_parent = places[: (len(places) + 1) // 2]
    assert [explorer.tell(place) for place in of_parent] == [True] * len(of_parent)
    assert len(of_parent) > 4


# Death after a write is what loses things; one story is told with the other kinds, too.
CASES = [
    *((scenario, Trouble.ENDS_AFTER) for scenario in SCENARIOS),
    *((SCENARIOS[0], trouble) for trouble in Trouble if trouble is not Trouble.ENDS_AFTER),
]


@pytest.mark.long
@pytest.mark.parametrize(
    ("scenario", "trouble"),
    CASES,
    ids=lambda one: one.name if isinstance(one, Scenario) else one.name.lower(),
)
def test_all_is_as_it_should_be_whatever_call_was_in_trouble(
    world: World, owner: Owner, scenario: Scenario, trouble: Trouble
) -> None:
    explorer = Explorer(world, owner, scenario, check_always)
    # A sixth of the calls: telling a story once more for every single one takes minutes.
    places = list(explorer.strikes([trouble]))[1::6]
    struck = [explorer.tell(place) for place in places]
    # Some calls are made only the first time, such as reading what is kept in memory.
    assert sum(struck) > len(places) / 2
