"""Start a further execution for a task whose last one has ended or sleeps too long."""

from datetime import datetime

from kie_gateway.core import moves
from kie_gateway.core.ports import Executions, TaskStore
from kie_gateway.core.task import Task


def start_watch(
    task: Task, *, executions: Executions, now: datetime, wait_until: datetime | None = None
) -> None:
    """
    Start the execution that a task's last move has counted, unless it was started before.

    Args:
        wait_until: When it looks at the task first; None for at once.

    Raises:
        BackendUnavailableError: It was not started; the sweep does it.
    """
    if task.is_swept and not task.status.is_settled:
        executions.start(task.task_id, task.watches, wait_until or now)


def watch_again(
    task: Task,
    *,
    tasks: TaskStore,
    executions: Executions,
    now: datetime,
    wait_until: datetime | None = None,
) -> Task:
    """
    Follow a task with a further execution.

    Args:
        wait_until: When it looks at the task first; None for at once.

    Raises:
        BackendUnavailableError: It was counted or not, and surely not started.
    """
    after = tasks.move(task, lambda current: moves.watch_again(current, now)).task
    executions.start(after.task_id, after.watches, wait_until or now)
    return after


def hand_over(
    task: Task, *, tasks: TaskStore, executions: Executions, now: datetime, wait_until: datetime
) -> Task:
    """
    Let another execution take over from one that sleeps too long.

    Raises:
        BackendUnavailableError: One of the two follows the task, or both, which is harmless.
    """
    after = watch_again(task, tasks=tasks, executions=executions, now=now, wait_until=wait_until)
    executions.stop(task.task_id, task.watches, "Another execution looks at the task sooner.")
    return after
