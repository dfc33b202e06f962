"""WatchFunction."""

from kie_gateway.aws.executions import WatchExecutions
from kie_gateway.core.decision import Decision
from kie_gateway.core.task import CompletedBy
from kie_gateway.flows.continue_as_new import continue_as_new
from kie_gateway.flows.watch_task import Watch
from kie_gateway.settings import WatchFunctionSettings, load
from kie_gateway.wiring.storing import Storing


class WatchGateway(Storing):
    """Everything WatchFunction uses."""

    def __init__(self) -> None:
        super().__init__(load(WatchFunctionSettings))
        self.watch = Watch(
            tasks=self.tasks,
            submit=self.submit,
            ask=lambda task: self.ask(task, CompletedBy.POLL),
            store=self.store,
            submit_queue=self.submit_queue,
            now=self._tell_time,
            pause=self._pause,
        )

    def continue_as_new(self, task_id: str, decision: Decision, machine_arn: str) -> Decision:
        """Let a new execution of a machine go on with a task."""
        return continue_as_new(
            task_id,
            decision,
            tasks=self.tasks,
            # The function's environment cannot name the machine, which names the function.
            executions=WatchExecutions(self.clients.stepfunctions, machine_arn),
            now=self.now(),
        )
