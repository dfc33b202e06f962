"""Wait a little for a task to settle, so that callers need not come back."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from kie_gateway.core.errors import BackendUnavailableError
from kie_gateway.core.ports import TaskStore
from kie_gateway.core.task import Task

_log = logging.getLogger(__name__)

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
    Look at the record again and again until the task is settled or the time is up.

    The whole record, which may be large, is read once it has changed.

    Returns:
        The record as it was last read: whoever waits has a task already, so trouble with reading
        ends nothing but the wait for news.
    """
    until = now() + timedelta(seconds=wait_seconds)
    pauses = iter(PAUSES_SECONDS)
    while not task.status.is_settled:
        left = (until - now()).total_seconds()
        if left <= 0:
            break
        sleep(min(next(pauses, PAUSES_SECONDS[-1]), left))
        task = _news_of(task, tasks)
    return task


def _news_of(task: Task, tasks: TaskStore) -> Task:
    try:
        if tasks.version_of(task.task_id) == task.version:
            return task
        return tasks.get(task.task_id) or task
    except BackendUnavailableError as error:
        _log.warning("no news of %s: %s", task.task_id, error)
        return task
