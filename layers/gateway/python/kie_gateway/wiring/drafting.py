"""Parts that draft new tasks, and create those that follow others."""

from collections.abc import Callable
from decimal import Decimal

from kie_gateway.aws.batch_table import BatchTable
from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.catalogue.read_input import read_input
from kie_gateway.core.credits.reservation import Reservation, as_credits
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.submit_queue import Rate
from kie_gateway.flows.groups.cancel_batch import CancelBatch
from kie_gateway.flows.groups.create_batch_tasks import CreateBatchTasks
from kie_gateway.flows.groups.create_children import CreateChildren
from kie_gateway.flows.groups.plan_group import PlanGroup
from kie_gateway.flows.groups.plans import BatchPlans, Plans
from kie_gateway.flows.inputs.check_references import CheckReferences
from kie_gateway.flows.inputs.large_inputs import LargeInputs
from kie_gateway.flows.inputs.use_outputs import CheckOutputs, FindOutput
from kie_gateway.flows.inputs.use_uploads import CheckUploads
from kie_gateway.flows.tasks.cancel_task import CancelTask
from kie_gateway.flows.tasks.draft_task import DraftTask
from kie_gateway.settings import BatchSettings, GroupSettings, ReservationSettings
from kie_gateway.wiring.covers import make_plan_covers
from kie_gateway.wiring.known_models import KnownModels
from kie_gateway.wiring.permalinks import make_permalinks
from kie_gateway.wiring.runtime import Runtime


def make_draft_task(
    settings: ReservationSettings,
    runtime: Runtime,
    tasks: TaskStore,
    expected_seconds: Callable[[str], int],
) -> DraftTask:
    """
    Make what drafts new tasks.

    Args:
        expected_seconds: Tells how long a model is expected to take.
    """

    def reservation(estimated: Decimal | None) -> Reservation:
        expected = as_credits(settings.unknown_estimate_credits) if estimated is None else estimated
        return Reservation(expected, settings.release_after_seconds)

    checks = (
        CheckUploads(runtime.bucket.size_of),
        CheckReferences(tasks),
        CheckOutputs(FindOutput(tasks)),
    )
    return DraftTask(KnownModels(), read_input, checks, reservation, expected_seconds)


def make_create_children(
    settings: GroupSettings,
    runtime: Runtime,
    tasks: TaskStore,
    executions: WatchExecutions,
    expected_seconds: Callable[[str], int],
) -> CreateChildren:
    """Make what creates the children of tasks that have succeeded."""
    return CreateChildren(
        tasks=tasks,
        executions=executions,
        inputs=LargeInputs(runtime.bucket),
        plans=Plans(runtime.bucket),
        draft=make_draft_task(settings, runtime, tasks, expected_seconds),
        permalinks=make_permalinks(settings, runtime.secrets),
        now=runtime.now,
    )


def make_plan_group(
    settings: GroupSettings,
    runtime: Runtime,
    tasks: TaskStore,
    expected_seconds: Callable[[str], int],
) -> PlanGroup:
    """Make what plans tasks with everything that is to follow."""
    draft = make_draft_task(settings, runtime, tasks, expected_seconds)
    return PlanGroup(draft, make_plan_covers(KnownModels()), has_permalinks=settings.permalinks)


def make_create_batch_tasks(
    settings: BatchSettings,
    runtime: Runtime,
    tasks: TaskStore,
    batches: BatchTable,
    executions: WatchExecutions,
    expected_seconds: Callable[[str], int],
) -> CreateBatchTasks:
    """Make what creates the tasks of batches."""
    return CreateBatchTasks(
        batches=batches,
        executions=executions,
        inputs=LargeInputs(runtime.bucket),
        plans=Plans(runtime.bucket),
        batch_plans=BatchPlans(runtime.bucket),
        plan_group=make_plan_group(settings, runtime, tasks, expected_seconds),
        rate=Rate(settings.kie_creations_per_10_seconds),
        now=runtime.now,
    )


def make_cancel_batch(
    runtime: Runtime, tasks: TaskStore, batches: BatchTable, cancel: CancelTask
) -> CancelBatch:
    """Make what cancels batches."""
    plans, now = BatchPlans(runtime.bucket), runtime.now
    return CancelBatch(batches, plans, tasks, cancel.cascade, cancel.if_open, now)
