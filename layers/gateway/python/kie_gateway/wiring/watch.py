"""WatchFunction."""

from dataclasses import dataclass, replace

from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.aws.times_table import TimesTable
from kie_gateway.core.task import CompletedBy
from kie_gateway.flows.files.store_outputs import StoreOutputs
from kie_gateway.flows.submitting.submit_from_queue import SubmitFromQueue
from kie_gateway.flows.watching.continue_as_new import ContinueAsNew
from kie_gateway.flows.watching.watch_task import WatchTask
from kie_gateway.flows.watching.watches import Watches
from kie_gateway.kie.client import KieClient
from kie_gateway.settings import WatchFunctionSettings, load
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.drafting import make_create_children
from kie_gateway.wiring.polling import make_polling
from kie_gateway.wiring.runtime import Runtime, make_runtime
from kie_gateway.wiring.storing import make_store_outputs
from kie_gateway.wiring.submitting import make_submit_queue, make_submit_task
from kie_gateway.wiring.time_left import TimeLeft


@dataclass(frozen=True)
class WatchFunction:
    """What WatchFunction uses."""

    time_left: TimeLeft
    clients: Clients
    tasks: TaskTable
    bucket: OutputBucket
    kie: KieClient
    times: TimesTable
    store: StoreOutputs
    watch: WatchTask
    settings: WatchFunctionSettings
    runtime: Runtime

    def watch_under(self, machine_arn: str | None) -> WatchTask:
        """Return the steps, for executions of a machine; None if it does not say its name."""
        if machine_arn is None:
            # The sweep creates the children of its tasks.
            return self.watch
        # The function's environment cannot name the machine, which names the function.
        executions = WatchExecutions(self.clients.stepfunctions, machine_arn)
        expected_seconds = self.store.policy.expected_seconds
        create = make_create_children(
            self.settings, self.runtime, self.tasks, executions, expected_seconds
        )
        store = replace(self.store, create_children=create)
        return replace(self.watch, store=store, create_children=create)

    def continue_as_new(self, machine_arn: str) -> ContinueAsNew:
        """Return what lets a new execution of a machine go on with a task."""
        executions = WatchExecutions(self.clients.stepfunctions, machine_arn)
        watches = Watches(self.tasks, executions, self.watch.now)
        return ContinueAsNew(self.tasks, watches, self.watch.now)


def make() -> WatchFunction:
    """Make WatchFunction's parts. Raises ConfigurationError."""
    settings = load(WatchFunctionSettings)
    runtime = make_runtime(settings.bucket_name, copies_files=True)
    tasks = TaskTable(runtime.clients.dynamodb, settings.table_name)
    polling = make_polling(settings, runtime, tasks)
    submit_queue = make_submit_queue(settings, runtime)
    submit = SubmitFromQueue(
        tasks=tasks,
        submit_queue=submit_queue,
        submit=make_submit_task(settings, runtime, tasks, polling, submit_queue),
        now=runtime.now,
        pause=runtime.sleep,
    )
    store = make_store_outputs(settings, runtime, tasks, polling)
    watch = WatchTask(
        tasks=tasks,
        submit=submit,
        ask=lambda task: polling.ask(task, CompletedBy.POLL),
        store=store,
        create_children=store.create_children,
        now=runtime.now,
    )
    return WatchFunction(
        runtime.time_left,
        runtime.clients,
        tasks,
        runtime.bucket,
        polling.kie.client,
        polling.times,
        store,
        watch,
        settings,
        runtime,
    )
