"""Start a further execution for a task whose first one has ended or sleeps too long."""

from datetime import datetime

from kie_gateway.core import moves
from kie_gateway.core.ports import Executions, TaskStore
from kie_gateway.core.task import Task


def watch_again(task: Task, from_when: datetime, tasks: TaskStore, executions: Executions) -> Task:
    """
    Follow a task with a further execution, from a moment that may lie ahead.

    Raises:
        RecordUnavailableError: It was counted or not, and surely not started.
    """
    after = tasks.move(task, lambda current: moves.watch_again(current, from_when)).task
    executions.start(after.task_id, after.watches, from_when)
    return after
