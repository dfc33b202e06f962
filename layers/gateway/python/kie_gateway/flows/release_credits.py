"""Give credits back for tasks of which nothing has been heard for too long."""

import logging
from collections.abc import Callable
from datetime import datetime

from kie_gateway.core import credit_moves, moves
from kie_gateway.core.errors import GatewayError
from kie_gateway.core.ports import Releases, TaskStore
from kie_gateway.core.task import Status, Task

_log = logging.getLogger(__name__)


def release_credits(
    *,
    releases: Releases,
    tasks: TaskStore,
    refresh: Callable[[Task], Task],
    close: Callable[[Task], Task],
    now: Callable[[], datetime],
    may_go_on: Callable[[], bool] = lambda: True,
) -> int:
    """
    Release what is due; Kie.ai is asked one last time about each task.

    Args:
        refresh: Asks about an expired task, whose result still counts.
        close: Asks about a canceled one, of which only the price counts.
        may_go_on: Whether there is time for another task; the rest is done the next time.

    Returns:
        How many reservations were released; a task in trouble is left for the next time.
    """
    released, seen = 0, set[str]()
    while due := [task_id for task_id in releases.due(now()) if task_id not in seen]:
        seen.update(due)
        for task_id in due:
            if not may_go_on():
                return released
            try:
                task = tasks.get(task_id)
                if task is not None:
                    released += _release(task, tasks, refresh, close, now)
            except GatewayError as error:
                _log.warning("the credits of %s are not released: %s", task_id, error)
    return released


def _release(
    task: Task,
    tasks: TaskStore,
    refresh: Callable[[Task], Task],
    close: Callable[[Task], Task],
    now: Callable[[], datetime],
) -> bool:
    if not task.status.is_settled:
        # Whoever recorded it died before it was watched. From now on it waits like any other.
        tasks.move(task, lambda current: moves.expire(current, now()))
        return False
    task = refresh(task) if task.status is Status.EXPIRED else close(task)
    return tasks.move(task, lambda current: credit_moves.release_overdue(current, now())).changed
