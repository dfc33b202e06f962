"""SweepFunction."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from kie_gateway.aws.account_table import AccountTable
from kie_gateway.aws.batch_table import BatchTable
from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.aws.times_table import TimesTable
from kie_gateway.core.task import CompletedBy, Task
from kie_gateway.flows.credits.close_reservation import CloseReservation
from kie_gateway.flows.credits.release_credits import ReleaseCredits
from kie_gateway.flows.groups.cascade import Cascade
from kie_gateway.flows.groups.sweep_batches import SweepBatches
from kie_gateway.flows.submitting.resume_submit_queue import ResumeSubmitQueue
from kie_gateway.flows.tasks.cancel_task import CancelTask
from kie_gateway.flows.tasks.refresh_task import RefreshTask
from kie_gateway.flows.watching.sweep_tasks import SweepTasks
from kie_gateway.flows.watching.watches import Watches
from kie_gateway.kie.client import KieClient
from kie_gateway.settings import SweepFunctionSettings, load
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.drafting import (
    make_cancel_batch,
    make_create_batch_tasks,
    make_create_children,
)
from kie_gateway.wiring.polling import make_polling
from kie_gateway.wiring.runtime import make_runtime
from kie_gateway.wiring.submitting import make_submit_queue
from kie_gateway.wiring.time_left import TimeLeft

# Fits into the function's time; the rest goes on at the next run.
_MOST_RESUMED = 1000


@dataclass(frozen=True)
class SweepFunction:
    """
    What SweepFunction uses.

    Attributes:
        upstream_credits: Reads what is left of the account at Kie.ai, None if it does not say.
    """

    time_left: TimeLeft
    clients: Clients
    tasks: TaskTable
    kie: KieClient
    times: TimesTable
    sweep: SweepTasks
    sweep_batches: SweepBatches
    release_credits: ReleaseCredits
    resume_submit_queue: ResumeSubmitQueue
    upstream_credits: Callable[[], Decimal | None]


def make() -> SweepFunction:
    """Make SweepFunction's parts. Raises ConfigurationError."""
    settings = load(SweepFunctionSettings)
    runtime = make_runtime(settings.bucket_name)
    clients, now = runtime.clients, runtime.now
    accounts = AccountTable(clients.dynamodb, settings.table_name)
    tasks = TaskTable(clients.dynamodb, settings.table_name, accounts)
    polling = make_polling(settings, runtime, tasks)
    store_queue = SqsStoreQueue(clients.sqs, settings.store_queue_url)
    executions = WatchExecutions(clients.stepfunctions, settings.watch_machine_arn)
    watches = Watches(tasks, executions, now)
    close = CloseReservation(tasks, polling.kie.client, now)

    def refresh(*, must_answer: bool) -> RefreshTask:
        def ask_once(task: Task) -> Task:
            return polling.ask(task, CompletedBy.POLL, must_answer=must_answer)

        return RefreshTask(tasks, watches, store_queue, ask_once, now)

    sweep = SweepTasks(
        sweeps=tasks,
        tasks=tasks,
        executions=executions,
        store_queue=store_queue,
        files=runtime.bucket,
        refresh=refresh(must_answer=False),
        create_children=make_create_children(
            settings, runtime, tasks, executions, polling.policy.expected_seconds
        ),
        now=now,
    )
    batches = BatchTable(clients.dynamodb, settings.table_name, accounts)
    create_batch_tasks = make_create_batch_tasks(
        settings, runtime, tasks, batches, executions, polling.policy.expected_seconds
    )
    cancel = CancelTask(tasks, Cascade(tasks), now)
    cancel_batch = make_cancel_batch(runtime, tasks, batches, cancel)
    release = ReleaseCredits(
        releases=tasks,
        tasks=tasks,
        refresh=refresh(must_answer=True),
        close=lambda task: close(task, must_answer=True),
        look_after=sweep.look_after,
        now=now,
    )
    submit_queue = make_submit_queue(settings, runtime)
    resume = ResumeSubmitQueue(tasks, submit_queue, watches, now, _MOST_RESUMED)
    return SweepFunction(
        time_left=runtime.time_left,
        clients=clients,
        tasks=tasks,
        kie=polling.kie.client,
        times=polling.times,
        sweep=sweep,
        sweep_batches=SweepBatches(batches, create_batch_tasks, cancel_batch, now),
        release_credits=release,
        resume_submit_queue=resume,
        upstream_credits=polling.kie.balance,
    )
