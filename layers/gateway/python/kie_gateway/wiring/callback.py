"""CallbackFunction, which has no use for Kie.ai's API."""

from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.core.errors import SourceForbiddenError
from kie_gateway.core.result_hosts import ResultHosts
from kie_gateway.flows.record_webhook import WebhookRecorder
from kie_gateway.kie.webhook import KieWebhooks
from kie_gateway.settings import CallbackFunctionSettings, load
from kie_gateway.wiring.common import Common


class CallbackGateway(Common):
    """Everything CallbackFunction uses."""

    def __init__(self) -> None:
        settings = load(CallbackFunctionSettings)
        super().__init__(settings.table_name, settings.bucket_name, settings.kie_secret_arn)
        hosts = ResultHosts.parse(settings.result_hosts)
        self.webhooks = WebhookRecorder(
            tasks=self.tasks,
            reader=KieWebhooks(),
            queue=SqsStoreQueue(self.clients.sqs, settings.store_queue_url),
            executions=WatchExecutions(self.clients.stepfunctions, settings.watch_machine_arn),
            archive=self.bucket,
            is_usable=lambda url: _is_allowed(hosts, url),
            callback_secret=lambda: self.secrets.text(settings.callback_secret_arn),
            hmac_key=lambda: self.kie_keys().webhook_hmac_key,
        )


def _is_allowed(hosts: ResultHosts, url: str) -> bool:
    try:
        hosts.check(url)
    except SourceForbiddenError:
        return False
    return True
