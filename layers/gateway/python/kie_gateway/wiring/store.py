"""StoreFunction."""

from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.settings import StoreFunctionSettings, load
from kie_gateway.wiring.storing import Storing


class StoreGateway(Storing):
    """Everything StoreFunction uses."""

    def __init__(self) -> None:
        settings = load(StoreFunctionSettings)
        super().__init__(settings)
        self.queue = SqsStoreQueue(self.clients.sqs, settings.store_queue_url)
