"""StoreFunction."""

from dataclasses import dataclass, replace

from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.output_bucket import OutputBucket
from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.aws.times_table import TimesTable
from kie_gateway.core.task import CompletedBy
from kie_gateway.flows.credits.close_reservation import CloseReservation
from kie_gateway.flows.files.process_store_message import ProcessStoreMessage
from kie_gateway.flows.files.store_outputs import StoreOutputs
from kie_gateway.flows.watching.watches import Watches
from kie_gateway.kie.client import KieClient
from kie_gateway.settings import StoreFunctionSettings, load
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.drafting import make_create_children
from kie_gateway.wiring.polling import make_polling
from kie_gateway.wiring.runtime import make_runtime
from kie_gateway.wiring.storing import make_store_outputs
from kie_gateway.wiring.time_left import TimeLeft


@dataclass(frozen=True)
class StoreFunction:
    """What StoreFunction uses."""

    time_left: TimeLeft
    clients: Clients
    tasks: TaskTable
    bucket: OutputBucket
    kie: KieClient
    times: TimesTable
    store: StoreOutputs
    process_message: ProcessStoreMessage


def make() -> StoreFunction:
    """Make StoreFunction's parts. Raises ConfigurationError."""
    settings = load(StoreFunctionSettings)
    runtime = make_runtime(settings.bucket_name, copies_files=True)
    tasks = TaskTable(runtime.clients.dynamodb, settings.table_name)
    polling = make_polling(settings, runtime, tasks)
    executions = WatchExecutions(runtime.clients.stepfunctions, settings.watch_machine_arn)
    store = replace(
        make_store_outputs(settings, runtime, tasks, polling),
        create_children=make_create_children(
            settings, runtime, tasks, executions, polling.policy.expected_seconds
        ),
    )
    process_message = ProcessStoreMessage(
        tasks=tasks,
        ask=lambda task: polling.ask(task, CompletedBy.WEBHOOK),
        go_on=Watches(tasks, executions, runtime.now).go_on,
        close_reservation=CloseReservation(tasks, polling.kie.client, runtime.now),
        store=store,
        queue=SqsStoreQueue(runtime.clients.sqs, settings.store_queue_url),
        now=runtime.now,
    )
    return StoreFunction(
        time_left=runtime.time_left,
        clients=runtime.clients,
        tasks=tasks,
        bucket=runtime.bucket,
        kie=polling.kie.client,
        times=polling.times,
        store=store,
        process_message=process_message,
    )
