"""BooksFunction."""

from decimal import Decimal

from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.core.task import CompletedBy, Task
from kie_gateway.flows.refresh_task import refresh_task
from kie_gateway.flows.release_credits import release_credits
from kie_gateway.flows.resume_line import resume_if_funded
from kie_gateway.settings import BooksFunctionSettings, load
from kie_gateway.wiring.asking import Asking

# Fits into the function's time; the rest goes on at the next strike.
_MOST_RESUMED = 1000
# Asking Kie.ai about a task in vain, and some calls of AWS.
_RELEASE_SECONDS = 60.0
# Half of the function's time, so that credits are released in the other half.
_RESUME_SECONDS = 150.0


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
            may_go_on=lambda: self.time_left() > _RELEASE_SECONDS,
        )

    def resume_line(self, balance: Decimal | None) -> int:
        """Let creations that wait for credits go on, if there are some again."""
        return resume_if_funded(
            balance,
            line=self.line,
            tasks=self.tasks,
            executions=self.executions,
            now=self.now(),
            most=_MOST_RESUMED,
            may_go_on=lambda: self.time_left() > _RESUME_SECONDS,
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
