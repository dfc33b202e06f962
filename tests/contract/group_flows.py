"""How the stories of groups and batches are made of the real flows."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

from kie_gateway.core.credits.reconciliation import LedgerSnapshot
from kie_gateway.core.credits.reservation import Reservation, as_credits
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.caller_errors import (
    BatchSettledError,
    BudgetExceededError,
    InsufficientCreditsError,
    TaskSettledError,
    TooManyTasksError,
)
from kie_gateway.core.groups.batch import Batch
from kie_gateway.core.groups.derived_ids import derived_task_id
from kie_gateway.core.ports.batches import Batches
from kie_gateway.core.submit_queue import Rate
from kie_gateway.core.task import Task
from kie_gateway.flows.files.permalinks import Permalinks
from kie_gateway.flows.groups.cancel_batch import CancelBatch
from kie_gateway.flows.groups.cascade import Cascade
from kie_gateway.flows.groups.create_batch_tasks import CreateBatchTasks
from kie_gateway.flows.groups.create_children import CreateChildren
from kie_gateway.flows.groups.plan_group import PlanGroup
from kie_gateway.flows.groups.plans import BatchPlans, Plans
from kie_gateway.flows.groups.request_batch import BatchRequest, RequestBatch
from kie_gateway.flows.groups.sweep_batches import SweepBatches
from kie_gateway.flows.inputs.large_inputs import LargeInputs
from kie_gateway.flows.tasks.cancel_task import CancelTask
from kie_gateway.flows.tasks.create_task import CreateTask
from kie_gateway.flows.tasks.draft_task import DraftTask
from kie_gateway.flows.tasks.request_task import RequestTask, TaskRequest
from tests.contract.group_tree import Node
from tests.contract.test_credits_model import (
    POLICY,
    RELEASE_SECONDS,
    CreditsMachine,
    Faulty,
)
from tests.fake_batches import FakeBatches
from tests.makers import typical_seconds

if TYPE_CHECKING:
    pass

NO_MONEY = (InsufficientCreditsError, BudgetExceededError, TooManyTasksError)


class AlsoFaulty(Faulty):
    """Another record that is in the same trouble as the first."""

    def __init__(self, store: Any, first: Faulty) -> None:
        self.first = first
        super().__init__(store)

    @property
    def fault(self) -> tuple[int, str] | None:
        return self.first.fault

    @fault.setter
    def fault(self, fault: tuple[int, str] | None) -> None:
        self.first.fault = fault


class Priced:
    """Models that cost what the input says."""

    def family(self, model: str) -> str:
        return "market"

    def kind(self, model: str) -> str | None:
        return None

    def estimate(self, model: str, task_input: Any) -> Decimal | None:
        return as_credits(task_input["price"])


class InTurn:
    """A pool that does one thing after the other, so that a story is told the same twice."""

    def __init__(self, _: int) -> None:
        pass

    def __enter__(self) -> "InTurn":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, act: Callable[..., Any], *arguments: Any) -> Any:
        done = act(*arguments)
        return type("Done", (), {"result": staticmethod(lambda: done)})


class GroupFlows(CreditsMachine):
    """The gateway with groups and batches; what happens to them is told elsewhere."""

    @staticmethod
    def make_batches(store: Any) -> Batches:
        return FakeBatches(store)

    def begin(self) -> None:
        super().begin()
        self.batches: Any = AlsoFaulty(self.make_batches(self.store._store), self.store)
        self.trees: dict[str, Node] = {}
        self.cascaded: set[str] = set()
        self.asked: list[tuple[TaskRequest, Node]] = []
        self.by_key: defaultdict[str | None, list[str]] = defaultdict(list)
        self.batch_trees: dict[str, list[Node]] = {}
        self.batches_asked: list[tuple[BatchRequest, list[Node]]] = []

    def attempt(self, act: Callable[[], object], fault: tuple[int, str] | None) -> bool:
        try:
            return super().attempt(act, fault)
        except (TaskSettledError, BatchSettledError):
            return True

    def request_group(
        self, request: TaskRequest, tree: Node, creation: str, fault: Any, is_watched: bool
    ) -> None:
        task_id = f"task_{next(self.numbers):026d}"
        self.kie.next_creation = creation
        self.by_key[request.idempotency_key].append(task_id)
        self.know(task_id, tree)
        if not is_watched:
            self.executions.error = BackendUnavailableError("no execution")

        def act() -> None:
            flow = RequestTask(
                self.planning(), self.creating(task_id), lambda _: None, lambda: task_id
            )
            try:
                flow(request)
            except NO_MONEY:
                assert self.found(task_id) is None

        self.attempt(act, fault)
        self.executions.error = None

    def request_batch(
        self, request: BatchRequest, trees: list[Node], fault: Any, lots: int
    ) -> None:
        batch_id = f"batch_{next(self.numbers):026d}"
        self.by_key[request.idempotency_key].append(batch_id)
        self.batch_trees[batch_id] = trees
        for place, tree in enumerate(trees):
            self.know(derived_task_id(batch_id, place), tree)
        left = count(lots, -1)

        def act() -> None:
            flow = RequestBatch(
                batches=self.batches,
                plan_group=self.planning(),
                plans=BatchPlans(self.archive),
                create_tasks=self.creating_batches(),
                new_batch_id=lambda: batch_id,
                release_after_seconds=RELEASE_SECONDS,
                now=self.clock.now,
                has_time=lambda: next(left) > 0,
                stopped=lambda: None,
            )
            try:
                flow(request)
            except NO_MONEY:
                assert self.found_batch(batch_id) is None

        self.attempt(act, fault)

    def know(self, root: str, tree: Node) -> None:
        self.trees[root] = tree
        self.ids += [task_id for task_id, _ in tree.ids(root)]

    def drafting(self) -> DraftTask:
        return DraftTask(
            Priced(),
            lambda _, given, checked, examples=(): given,
            (),
            lambda estimate: Reservation(estimate or Decimal(0), RELEASE_SECONDS),
            lambda model: round(typical_seconds(model)),
        )

    def planning(self) -> PlanGroup:
        return PlanGroup(self.drafting())

    def creating(self, task_id: str) -> CreateTask:
        return CreateTask(
            tasks=self.tasks,
            executions=self.executions,
            submit=self.submitting_watched(),
            policy=POLICY,
            submit_queue=self.submit_queue,
            inputs=LargeInputs(self.archive),
            plans=Plans(self.archive),
            new_task_id=lambda: task_id,
            now=self.clock.now,
        )

    def create_children(self, task: Task) -> Task:
        return CreateChildren(
            self.tasks,
            self.executions,
            LargeInputs(self.archive),
            Plans(self.archive),
            self.drafting(),
            Permalinks(lambda: "the secret"),
            self.clock.now,
        )(task)

    def creating_batches(self) -> CreateBatchTasks:
        return CreateBatchTasks(
            batches=self.batches,
            executions=self.executions,
            inputs=LargeInputs(self.archive),
            plans=Plans(self.archive),
            batch_plans=BatchPlans(self.archive),
            plan_group=self.planning(),
            rate=Rate(),
            now=self.clock.now,
        )

    def canceling(self) -> CancelBatch:
        cascade = Cascade(self.tasks)
        cancel = CancelTask(self.tasks, cascade, self.clock.now)
        return CancelBatch(
            self.batches,
            BatchPlans(self.archive),
            self.tasks,
            cascade,
            cancel.if_open,
            self.clock.now,
        )

    def sweep_everything(self) -> None:
        """Do the first of what functions/sweep does."""
        self.sweep()(lambda: True)
        SweepBatches(self.batches, self.creating_batches(), self.canceling(), self.clock.now)(
            lambda: True
        )

    def found_batch(self, batch_id: str) -> Batch | None:
        tried = (self.batches.get(owner, batch_id) for owner in self.owners.values())
        return next((batch for batch in tried if batch is not None), None)

    def all_batches(self) -> list[Batch]:
        found = (self.found_batch(batch_id) for batch_id in self.batch_trees)
        return [batch for batch in found if batch is not None]

    def ledger(self) -> LedgerSnapshot:
        snapshot = super().ledger()
        batches = {batch.batch_id: batch for batch in self.all_batches()}
        return LedgerSnapshot(snapshot.accounts, snapshot.entries, snapshot.tasks, batches)
