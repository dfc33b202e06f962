"""Let a new execution go on with a task, because the one that follows it should not."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.polling.decision import Decision
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Step
from kie_gateway.flows.watching.watches import Watches


@dataclass(frozen=True)
class ContinueAsNew:
    """
    Starts successors of executions.

    An execution has to hand over when its history grows long, and when it was started with a
    definition that does not know a step.
    """

    tasks: TaskStore
    watches: Watches
    now: Callable[[], datetime]

    def __call__(self, task_id: str, decision: Decision) -> Decision:
        """
        Start a successor that does what was decided; the execution that asked may end.

        Returns:
            Nothing to do, or a stall, which the execution that asked tells by failing itself.

        Raises:
            BackendUnavailableError: No successor follows the task; asking again is right.
        """
        if decision.step in (Step.NONE, Step.STALL):
            return decision
        task = self.tasks.get(task_id)
        if task is not None:
            self.watches.start_another(task, wait_until=decision.wait_until)
        return Decision(Step.NONE, self.now())
