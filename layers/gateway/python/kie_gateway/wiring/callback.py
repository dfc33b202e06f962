"""CallbackFunction, which has no use for Kie.ai's API."""

from dataclasses import dataclass

from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.aws.task_table import TaskTable
from kie_gateway.core.errors.storage_errors import SourceForbiddenError
from kie_gateway.core.files.result_hosts import ResultHosts
from kie_gateway.flows.record_webhook import RecordWebhook
from kie_gateway.flows.watching.watches import Watches
from kie_gateway.kie.redaction import Redaction
from kie_gateway.kie.webhook import KieWebhooks
from kie_gateway.settings import CallbackFunctionSettings, load
from kie_gateway.wiring.clients import Clients
from kie_gateway.wiring.runtime import make_runtime
from kie_gateway.wiring.time_left import TimeLeft


@dataclass(frozen=True)
class CallbackFunction:
    """What CallbackFunction uses."""

    time_left: TimeLeft
    clients: Clients
    tasks: TaskTable
    record_webhook: RecordWebhook


def make() -> CallbackFunction:
    """Make CallbackFunction's parts. Raises ConfigurationError."""
    settings = load(CallbackFunctionSettings)
    runtime = make_runtime(settings.bucket_name)
    clients, keys = runtime.clients, runtime.kie_keys(settings.kie_secret_arn)
    tasks = TaskTable(clients.dynamodb, settings.table_name)
    executions = WatchExecutions(clients.stepfunctions, settings.watch_machine_arn)
    hosts = ResultHosts.parse(settings.result_hosts)
    redaction = Redaction(runtime.secret(settings.callback_secret_arn))
    record = RecordWebhook(
        tasks=tasks,
        reader=KieWebhooks(redaction, lambda: keys().webhook_hmac_key),
        store_queue=SqsStoreQueue(clients.sqs, settings.store_queue_url),
        watches=Watches(tasks, executions, runtime.now),
        archive=runtime.bucket,
        is_usable=lambda url: _is_allowed(hosts, url),
        now=runtime.now,
    )
    return CallbackFunction(runtime.time_left, clients, tasks, record)


def _is_allowed(hosts: ResultHosts, url: str) -> bool:
    try:
        hosts.check(url)
    except SourceForbiddenError:
        return False
    return True
