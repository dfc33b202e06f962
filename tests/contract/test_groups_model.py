"""
Whatever happens to groups and batches: each task is created once or never, and all adds up.

The state machine of `test_credits_model.py`, with trees of tasks and with batches of them.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from kie_gateway.aws.account_table import AccountTable
from kie_gateway.aws.batch_table import BatchTable
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.callers.idempotency import MEMORY
from kie_gateway.core.credits.reservation import as_credits
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.groups.batch_plan import BatchPlan
from kie_gateway.core.groups.child import ChildState, Start
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.groups.group_status import group_status
from kie_gateway.core.polling.report import Finished
from kie_gateway.core.ports.accounts import Accounts
from kie_gateway.core.ports.batches import Batches
from kie_gateway.core.results import Source
from kie_gateway.core.task import Status, Task
from kie_gateway.core.timeline import Happened
from kie_gateway.flows.groups import cancel_batch, create_batch_tasks
from kie_gateway.flows.groups.cascade import Cascade
from kie_gateway.flows.groups.find_descendants import FindDescendants
from kie_gateway.flows.groups.request_batch import BatchRequest
from kie_gateway.flows.tasks.cancel_task import CancelTask
from kie_gateway.flows.tasks.delete_task import DeleteTask
from kie_gateway.flows.tasks.request_task import TaskRequest
from tests.contract.group_flows import GroupFlows, InTurn
from tests.contract.group_tree import LEAVES, TREES, Node, judged
from tests.contract.test_credits_model import (
    CREATIONS,
    DEADLINE_SECONDS,
    FAULTS,
    LIMITED,
    MODEL,
    POOR,
    RELEASE_SECONDS,
    UNLIMITED,
    run,
)
from tests.makers import RESULT_URL, seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

OWNERS = st.sampled_from([LIMITED, LIMITED, POOR, UNLIMITED])


class GroupsMachine(GroupFlows):
    """The gateway with groups and batches."""

    # Those stories are told there.
    give = correct = None  # type: ignore[assignment]

    @initialize(tree=TREES, trees=st.lists(TREES, min_size=1, max_size=3), lots=st.integers(0, 3))
    def begin_with_groups(self, tree: Node, trees: list[Node], lots: int) -> None:
        self.begin()
        self.create_group(LIMITED, tree, "accept", None, is_watched=True)
        self.create_batch(LIMITED, trees, None, lots)

    # --- what happens ---------------------------------------------------------------------------

    @rule(
        owner=OWNERS,
        tree=TREES,
        creation=CREATIONS,
        fault=FAULTS,
        is_watched=st.sampled_from([True, True, True, False]),
    )
    def create_group(
        self, owner: str, tree: Node, creation: str, fault: Any, is_watched: bool
    ) -> None:
        number = next(self.numbers)
        request = TaskRequest(
            owner=self.owners[owner],
            task=tree.spec(MODEL, DEADLINE_SECONDS),
            callback_base_url="https://gateway.test",
            tasks_at_once=0,
            fingerprint="same",
            idempotency_key=f"group-{number}",
        )
        self.asked.append((request, tree))
        self.request_group(request, tree, creation, fault, is_watched)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), creation=CREATIONS, fault=FAULTS)
    def ask_for_a_group_again(self, data: Any, creation: str, fault: Any) -> None:
        request, tree = data.draw(st.sampled_from(self.asked))
        self.request_group(request, tree, creation, fault, is_watched=True)

    @precondition(lambda self: self.trees)
    @rule(data=st.data(), fault=FAULTS, deletes=st.booleans())
    def end_a_group(self, data: Any, fault: Any, deletes: bool) -> None:
        task = self.found(data.draw(st.sampled_from(sorted(self.trees))))
        if task is None or task.deleted_at is not None:
            return
        self.cascaded.update(one for one, _ in self.trees[task.task_id].ids(task.task_id))
        cascade = Cascade(self.tasks)
        cancel = CancelTask(self.tasks, cascade, self.clock.now)
        delete = DeleteTask(self.tasks, self.outputs, cascade, self.clock.now)
        act: Callable[..., object] = delete if deletes else cancel
        self.attempt(partial(act, task, cascade=True), fault)

    @rule(
        owner=OWNERS,
        trees=st.lists(st.one_of(LEAVES, LEAVES, TREES), min_size=1, max_size=4),
        fault=FAULTS,
        lots=st.integers(0, 3),
    )
    def create_batch(self, owner: str, trees: list[Node], fault: Any, lots: int) -> None:
        specs = tuple(tree.spec(MODEL, DEADLINE_SECONDS) for tree in trees)
        request = BatchRequest(
            owner=self.owners[owner],
            plan=BatchPlan(specs, len(specs)),
            callback_base_url="https://gateway.test",
            tasks_at_once=0,
            fingerprint="same",
            idempotency_key=f"batch-{next(self.numbers)}",
        )
        self.batches_asked.append((request, trees))
        self.request_batch(request, trees, fault, lots)

    @precondition(lambda self: self.batches_asked)
    @rule(data=st.data(), fault=FAULTS, lots=st.integers(0, 3))
    def ask_for_a_batch_again(self, data: Any, fault: Any, lots: int) -> None:
        request, trees = data.draw(st.sampled_from(self.batches_asked))
        self.request_batch(request, trees, fault, lots)

    @precondition(lambda self: self.batch_trees)
    @rule(data=st.data(), fault=FAULTS, has_time=st.booleans())
    def cancel_a_batch(self, data: Any, fault: Any, has_time: bool) -> None:
        batch = self.found_batch(data.draw(st.sampled_from(sorted(self.batch_trees))))
        if batch is not None:
            self.attempt(lambda: self.canceling()(batch, lambda: has_time), fault)

    @rule(fault=FAULTS)
    def sweep_strikes(self, fault: Any) -> None:
        self.attempt(self.sweep_everything, fault)

    # --- what must be true ----------------------------------------------------------------------

    @invariant()
    def each_child_is_there_as_its_parent_says(self) -> None:
        for root, tree in self.trees.items():
            for task_id, node in tree.ids(root):
                task = self.found(task_id)
                if task is not None and task.children:
                    assert len(task.children) == len(node.children)
                    for child in task.children:
                        self.check_child(task, child.task_id, child.state, child.starts)

    def check_child(self, parent: Task, child_id: str, state: ChildState, starts: Start) -> None:
        is_there = self.found(child_id) is not None
        assert is_there is (state is ChildState.CREATED), (parent, child_id)
        if is_there and starts is Start.THEN:
            assert parent.status is Status.SUCCEEDED, (parent, child_id)
        happened = [entry.happened for entry in self.tasks.entries(parent.task_id)]
        came_to_nothing = parent.status in (Status.FAILED, Status.CANCELED)
        may_be_skipped = (
            came_to_nothing
            or parent.deleted_at is not None
            or parent.task_id in self.cascaded
            or Happened.EXPIRED in happened
        )
        if state is ChildState.SKIPPED:
            assert may_be_skipped, (parent, child_id)
        if state is ChildState.PLANNED:
            assert not came_to_nothing, (parent, child_id)
            assert parent.deleted_at is None, (parent, child_id)

    @invariant()
    def groups_are_judged_by_what_became_of_their_tasks(self) -> None:
        find = FindDescendants(self.tasks)
        for root, tree in self.trees.items():
            for task_id, node in tree.ids(root):
                task = self.found(task_id)
                if task is not None and (task.children or not node.children):
                    shown = group_status(task, find([task]))
                    assert shown.value == judged(node, task_id, self.found), (task, node)

    @invariant()
    def one_key_is_one_group_for_as_long_as_it_is_remembered(self) -> None:
        remembered = seconds(DEADLINE_SECONDS) + MEMORY
        for wholes in self.by_key.values():
            there = (self.found_batch(one) or self.found(one) for one in wholes)
            moments = sorted(one.created_at for one in there if one is not None)
            assert all(late - early > remembered for early, late in pairwise(moments))

    @invariant()
    def batches_count_what_became_of_their_tasks(self) -> None:
        for batch in self.all_batches():
            ids = [derived_task_id(batch.batch_id, place) for place in range(batch.total)]
            tasks = [task for task_id in ids if (task := self.found(task_id)) is not None]
            assert [task.task_id for task in tasks] == ids[: batch.created]
            ended = [task.status for task in tasks if task.status.is_settled]
            assert dict(batch.ended) == {one: ended.count(one) for one in ended}
            is_canceled = batch.canceled_at is not None
            to_come = () if is_canceled else self.batch_trees[batch.batch_id][batch.created :]
            prices = [node.price for tree in to_come for _, node in tree.ids("")]
            assert batch.planned_tasks == len(prices)
            assert batch.planned_credits == sum(map(as_credits, prices))
            self.check_status(batch, [task.status for task in tasks])

    def check_status(self, batch: Batch, statuses: list[Status]) -> None:
        expected = "failed"
        if batch.canceled_at is not None:
            expected = "canceled"
        elif len(statuses) < batch.total or not all(one.is_settled for one in statuses):
            expected = "running"
        elif Status.SUCCEEDED in statuses:
            expected = "partial" if set(statuses) - {Status.SUCCEEDED} else "succeeded"
        assert batch.status.value == expected
        is_over = batch.canceled_at is not None or len(statuses) == batch.total
        assert (batch.completed_at is not None) is (
            is_over and all(one.is_settled for one in statuses)
        )

    def teardown(self) -> None:
        """Let everything come to its end: nothing is to come, and nothing set aside for it."""
        for _ in range(12):
            self.let_everything_go_on()
            self.clock.advance(130)
        self.groups_are_judged_by_what_became_of_their_tasks()
        self.each_child_is_there_as_its_parent_says()
        for _ in range(3):
            self.clock.advance(RELEASE_SECONDS)
            self.let_everything_go_on()
        self.batches_count_what_became_of_their_tasks()
        assert [batch.planned_tasks for batch in self.all_batches() if batch.planned_tasks] == []
        assert [batch for batch in self.all_batches() if batch.sweep_at is not None] == []
        assert [task for task in self.everything() if task.has_due_children] == []
        super().teardown()

    def let_everything_go_on(self) -> None:
        for work_id in self.at_work():
            self.kie.works[work_id].report = Finished(
                "success", (Source(RESULT_URL),), credits=Decimal(4)
            )
        self.attempt(self.sweep_everything, None)
        for task_id in self.ids:
            self.watch_once(task_id, None, "accept")
        while self.queue.messages:
            step, task_id = self.queue.messages.pop(0)
            self.attempt(partial(self.store_function, step, task_id), None)
        self.attempt(self.release, None)


@pytest.fixture(autouse=True)
def in_small_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a batch be created in several writes, and everything in its order."""
    monkeypatch.setattr(create_batch_tasks, "MOST_WRITES", 6)
    for module in (create_batch_tasks, cancel_batch):
        monkeypatch.setattr(module, "ThreadPoolExecutor", InTurn)


@pytest.mark.large
def test_groups_and_batches_add_up_whatever_happens() -> None:
    run(GroupsMachine, 30)


@pytest.mark.long
def test_groups_and_batches_add_up_in_a_thousand_stories() -> None:
    run(GroupsMachine, 1000, steps=50)


@pytest.mark.long
def test_groups_and_batches_in_the_tables_add_up_whatever_happens(
    dynamodb: "DynamoDBClient", table_name: str
) -> None:
    accounts = AccountTable(dynamodb, table_name)
    tasks = TaskTable(dynamodb, table_name, accounts)

    class OnTables(GroupsMachine):
        @staticmethod
        def make() -> tuple[Any, Accounts]:
            return tasks, accounts

        @staticmethod
        def make_batches(store: Any) -> Batches:
            return BatchTable(dynamodb, table_name, accounts)

    run(OnTables, 3, steps=12)
