"""A Kie.ai that keeps refusing creations: it is asked rarely, and every task stays watched."""

from itertools import pairwise

from tests.functional.story import Story
from tests.functional.world import World

# What the machine may do in all for one task is 25,000.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
EVENTS_A_DAY = 15_000


def tried(task: Story) -> list[float]:
    """Tell when a task was sent, in seconds since its creation."""
    return [
        float(line.split()[0])
        for line in task.told()
        for word in line.split()[1:]
        if word == "submission_started"
    ]


def states(world: World, task: Story) -> int:
    """Count the states that a task's executions have entered."""
    machine = world.cloud.resources["WatchTask"]
    count = 0
    for page in world.sfn.get_paginator("list_executions").paginate(stateMachineArn=machine):
        for one in page["executions"]:
            if one["name"].startswith(task.task_id):
                arn = one["executionArn"]
                pages = world.sfn.get_paginator("get_execution_history").paginate(executionArn=arn)
                events = [event for found in pages for event in found["events"]]
                count += sum(event["type"].endswith("StateEntered") for event in events)
    return count


def test_kie_is_asked_ever_more_rarely_while_it_refuses(world: World) -> None:
    task = world.create("a kite [create 429 x1000]", deadline_seconds=7200)
    world.run_for(1800)
    ages = tried(task)
    pauses = [later - earlier for earlier, later in pairwise(ages)]
    # Half a minute until the pauses are long, then one try a minute.
    assert len(ages) <= 9 + 1800 / 60
    assert [round(pause) for pause in pauses[-5:]] == [60] * 5
    assert task.end()[0] == "queued"
    # A try is three states, of nine events, and there are few at first and one a minute then.
    assert 0 < states(world, task) <= 3 * len(ages) + 6
    assert EVENTS_A_DAY > 9 * (9 + 86400 / 60)


def test_all_go_on_soon_after_kie_takes_creations_again(world: World) -> None:
    first = world.create("a kite [create 429 x13]", deadline_seconds=7200)
    others = [world.create(f"kite {number}", deadline_seconds=7200) for number in range(3)]
    world.run_for(120)
    assert [task.end()[0] for task in (first, *others)] == ["queued"] * 4
    world.run()
    assert [task.end()[0] for task in (first, *others)] == ["succeeded"] * 4
    ends = [max(tried(task)) for task in (first, *others)]
    assert max(ends) - min(ends) <= 2 * 60
    assert [task.accepted_creations() for task in (first, *others)] == [1] * 4
