"""`make reconcile` with groups and batches: planned, created, skipped, failed, canceled."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from kie_gateway.aws.batch_item import write_batch
from kie_gateway.aws.ledger_scan import scan_ledger
from kie_gateway.aws.task_item import write_task
from kie_gateway.core.credits.reconciliation import LedgerSnapshot, differences
from kie_gateway.flows.groups.create_batch_tasks import CreateBatchTasks
from tests.functional.owner import Owner
from tests.functional.test_batches import made
from tests.functional.test_groups import child
from tests.functional.test_unwatched import strike
from tests.functional.world import World


@pytest.fixture(scope="module")
def whole_world() -> Iterator[World]:
    with World() as world:
        yield world


def ledger_of(world: World) -> LedgerSnapshot:
    return scan_ledger(world.dynamodb, world.cloud.resources["TaskTable"])


def differing(world: World) -> list[str]:
    found = differences(ledger_of(world), world.agenda.now())
    return [f"{one.about}: {one.words}" for one in found]


def planned(owner: Owner) -> None:
    owner.create("a", then=[child("b", then=[child("c")], **{"with": [child("d")]})])


def created(owner: Owner) -> None:
    owner.create("a", then=[child("b [slow 500]")], **{"with": [child("d")]})
    owner.world.run_for(120)


def skipped(owner: Owner) -> None:
    owner.create("a [fail 501 broken]", then=[child("b", then=[child("c")])])
    owner.world.run_for(120)


def failed_at_creation(owner: Owner) -> None:
    owner.create("a", then=[child("{{outputs[3].url}}", then=[child("c")])])
    owner.world.run_for(120)


def failed(owner: Owner) -> None:
    owner.create("a", then=[child("b [fail 501 broken]", then=[child("c")])])
    owner.world.run_for(200)


def expired(owner: Owner) -> None:
    owner.create("a [slow 400]", deadline_seconds=60, then=[child("b")])
    owner.world.run_for(100)


def canceled(owner: Owner) -> None:
    owner.create("a [slow 400]", then=[child("b")], **{"with": [child("c")]}).cancel()


def deleted(owner: Owner) -> None:
    task = owner.create("a", then=[child("b", then=[child("c [slow 400]")])])
    owner.world.run_for(120)
    owner.http.delete(f"/v1/tasks/{task.task_id}").raise_for_status()


def deleted_with_all(owner: Owner) -> None:
    task = owner.create("a", then=[child("b", then=[child("c [slow 400]")])])
    owner.world.run_for(120)
    path = f"/v1/tasks/{task.task_id}"
    owner.http.delete(path, params={"cascade": "true"}).raise_for_status()


def batch(owner: Owner) -> None:
    items = [child("a"), child("b [fail 501 broken]"), child("c", then=[child("d [slow 500]")])]
    made(owner, items=items)
    owner.world.run_for(120)


def batch_to_come(owner: Owner) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CreateBatchTasks, "__call__", lambda _, one, __: one)
        made(owner, item=child("a", then=[child("b")]), count=5)


def batch_canceled_early(owner: Owner) -> None:
    batch_to_come(owner)
    one, *_ = owner.http.get("/v1/batches").json()["data"]
    owner.http.post(f"/v1/batches/{one['id']}/cancel").raise_for_status()


def batch_canceled(owner: Owner) -> None:
    one = made(owner, item=child("a [slow 500]", then=[child("b")]), count=3)
    owner.http.post(f"/v1/batches/{one['id']}/cancel").raise_for_status()


STATES: list[Callable[[Owner], None]] = [
    planned,
    created,
    skipped,
    failed_at_creation,
    failed,
    expired,
    canceled,
    deleted,
    deleted_with_all,
    batch,
    batch_to_come,
    batch_canceled_early,
    batch_canceled,
]


def test_nothing_differs_while_tasks_are_to_come_and_after(world: World, owner: Owner) -> None:
    for state in STATES:
        owner.give(100)
        state(owner)
        assert differing(world) == [], state.__name__
    strike(world)
    world.run()
    assert differing(world) == []


def test_what_is_set_aside_and_not_planned_is_named(world: World, owner: Owner) -> None:
    world.run()
    task = owner.create("a", then=[child("b")])
    table = world.cloud.resources["TaskTable"]
    record = ledger_of(world).tasks[task.task_id]
    [follower] = record.children
    cheaper = replace(record, children=(replace(follower, credits=Decimal(3)),))
    world.dynamodb.put_item(TableName=table, Item=write_task(cheaper))
    assert differing(world) == [
        f"{owner.name}: reserved is 8, but tasks and batches have reserved 7",
        f"{task.task_id}: 3 credits are set aside for tasks to come, and 4 by the ledger",
    ]
    world.dynamodb.put_item(TableName=table, Item=write_task(record))


def test_a_batch_that_plans_less_is_named(world: World, owner: Owner) -> None:
    batch_to_come(owner)
    [record] = [one for one in ledger_of(world).batches.values() if one.owner == owner.name]
    table = world.cloud.resources["TaskTable"]
    fewer = replace(record, planned_tasks=9, planned_credits=Decimal(36))
    world.dynamodb.put_item(TableName=table, Item=write_batch(fewer))
    assert differing(world) == [
        f"{owner.name}: reserved is 40, but tasks and batches have reserved 36",
        f"{owner.name}: open_tasks is 10, but there are 9",
        f"{record.batch_id}: 36 credits are set aside for tasks to come, and 40 by the ledger",
    ]
    world.dynamodb.put_item(TableName=table, Item=write_batch(record))
