"""BooksFunction."""

from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.core.task import CompletedBy, Task
from kie_gateway.flows.refresh_task import refresh_task
from kie_gateway.flows.release_credits import release_credits
from kie_gateway.settings import BooksFunctionSettings, load
from kie_gateway.wiring.asking import Asking


class BooksGateway(Asking):
    """Everything BooksFunction uses."""

    def __init__(self) -> None:
        settings = load(BooksFunctionSettings)
        super().__init__(settings)
        self.queue = SqsStoreQueue(self.clients.sqs, settings.store_queue_url)
        self.executions = WatchExecutions(self.clients.stepfunctions, settings.watch_machine_arn)

    def release_credits(self) -> int:
        """Give credits back for tasks of which nothing has been heard for too long."""
        return release_credits(
            releases=self.tasks,
            tasks=self.tasks,
            refresh=self._refresh,
            close=self.close_reservation,
            now=self._tell_time,
        )

    def _refresh(self, task: Task) -> Task:
        return refresh_task(
            task,
            tasks=self.tasks,
            executions=self.executions,
            queue=self.queue,
            ask=lambda task: self.ask(task, CompletedBy.POLL),
            now=self.now(),
        )
