"""Let a new execution go on with a task, because the one that follows it should not."""

from datetime import datetime

from kie_gateway.core.decision import Decision
from kie_gateway.core.ports import Executions, TaskStore
from kie_gateway.core.task import Step
from kie_gateway.flows.watch_again import watch_again


def continue_as_new(
    task_id: str, decision: Decision, *, tasks: TaskStore, executions: Executions, now: datetime
) -> Decision:
    """
    Start a successor that does what was decided; the execution that asked may end.

    An execution has to hand over when its history grows long, and when it was started with a
    definition that does not know a step.

    Returns:
        Nothing to do, or a stall, which the execution that asked tells by failing itself.

    Raises:
        BackendUnavailableError: No successor follows the task; asking again is right.
    """
    if decision.step in (Step.NONE, Step.STALL):
        return decision
    task = tasks.get(task_id)
    if task is not None:
        watch_again(
            task, tasks=tasks, executions=executions, now=now, wait_until=decision.wait_until
        )
    return Decision(Step.NONE, now)
