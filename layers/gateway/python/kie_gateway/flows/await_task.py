"""Wait a little for a task to settle, so that callers need not come back."""

from collections.abc import Callable
from datetime import datetime, timedelta

from kie_gateway.core.ports import TaskStore
from kie_gateway.core.task import Task

PAUSES_SECONDS = (0.25, 0.25, 0.5, 0.5, 1.0)


def await_task(
    task: Task,
    *,
    wait_seconds: float,
    tasks: TaskStore,
    sleep: Callable[[float], None],
    now: Callable[[], datetime],
) -> Task:
    """
    Read the record again and again until the task is settled or the time is up.

    Returns:
        The record as it was last read.
    """
    until = now() + timedelta(seconds=wait_seconds)
    pauses = iter(PAUSES_SECONDS)
    while not task.status.is_settled:
        left = (until - now()).total_seconds()
        if left <= 0:
            break
        sleep(min(next(pauses, PAUSES_SECONDS[-1]), left))
        task = tasks.get(task.task_id) or task
    return task
