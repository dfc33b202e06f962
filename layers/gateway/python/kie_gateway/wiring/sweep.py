"""SweepFunction."""

from collections.abc import Callable
from decimal import Decimal

from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.aws.store_queue import SqsStoreQueue
from kie_gateway.core.task import CompletedBy, Task
from kie_gateway.flows.refresh_task import refresh_task
from kie_gateway.flows.release_credits import release_credits
from kie_gateway.flows.resume_submit_queue import resume_if_funded
from kie_gateway.flows.sweep_tasks import Sweep
from kie_gateway.settings import SweepFunctionSettings, load
from kie_gateway.wiring.asking import Asking

# Fits into the function's time; the rest goes on at the next strike.
_MOST_RESUMED = 1000
# Half of the function's time, so that credits are released in the other half.
_RESUME_SECONDS = 150.0


class SweepGateway(Asking):
    """Everything SweepFunction uses."""

    def __init__(self) -> None:
        settings = load(SweepFunctionSettings)
        super().__init__(settings)
        self.queue = SqsStoreQueue(self.clients.sqs, settings.store_queue_url)
        self.executions = WatchExecutions(self.clients.stepfunctions, settings.watch_machine_arn)
        self.sweep = Sweep(
            sweeps=self.tasks,
            tasks=self.tasks,
            executions=self.executions,
            queue=self.queue,
            files=self.bucket,
            refresh=self._refresh,
            now=self._tell_time,
        )

    def release_credits(self, has_time: Callable[[], bool]) -> int:
        """Give credits back for tasks of which nothing has been heard for too long."""
        return release_credits(
            releases=self.tasks,
            tasks=self.tasks,
            refresh=self._ask_last,
            close=lambda task: self.close_reservation(task, must_answer=True),
            look_after=self.sweep.look_after,
            now=self._tell_time,
            has_time=has_time,
        )

    def resume_submit_queue(self, balance: Decimal | None) -> int:
        """Let creations that wait for credits go on, if there are some again."""
        return resume_if_funded(
            balance,
            submit_queue=self.submit_queue,
            tasks=self.tasks,
            executions=self.executions,
            now=self.now(),
            most=_MOST_RESUMED,
            may_go_on=lambda: self.time_left() > _RESUME_SECONDS,
        )

    def _refresh(self, task: Task) -> Task:
        return self._refreshed(task, must_answer=False)

    def _ask_last(self, task: Task) -> Task:
        """Ask about a task for the last time. Raises ProviderError if that is not answered."""
        return self._refreshed(task, must_answer=True)

    def _refreshed(self, task: Task, *, must_answer: bool) -> Task:
        return refresh_task(
            task,
            tasks=self.tasks,
            executions=self.executions,
            queue=self.queue,
            ask=lambda task: self.ask(task, CompletedBy.POLL, must_answer=must_answer),
            now=self._tell_time,
        )
