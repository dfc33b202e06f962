"""Give credits back for tasks of which nothing has been heard for too long."""

import logging
from collections.abc import Callable
from datetime import datetime

from kie_gateway.core import credit_moves
from kie_gateway.core.errors import GatewayError, ProviderError
from kie_gateway.core.ports import Releases, TaskStore
from kie_gateway.core.task import Task

_log = logging.getLogger(__name__)


def release_credits(
    *,
    releases: Releases,
    tasks: TaskStore,
    refresh: Callable[[Task], Task],
    close: Callable[[Task], Task],
    look_after: Callable[[Task], object],
    now: Callable[[], datetime],
    has_time: Callable[[], bool] = lambda: True,
) -> int:
    """
    Release what is due; Kie.ai is asked one last time about each task.

    A question that Kie.ai does not answer is asked again an hour later, for a day.

    Args:
        refresh: Asks about an expired task, whose result still counts.
        close: Asks about a canceled or deleted one, of which only the price counts.
        look_after: Sees to an open task that nobody may follow (`flows/sweep_tasks.py`).
        has_time: Whether there is time for one more; what is left over is done the next time.

    `refresh` and `close` raise ProviderError when Kie.ai did not answer.

    Returns:
        How many reservations were released; a task in trouble is left for the next time.
    """
    released, seen = 0, set[str]()
    while due := [task_id for task_id in releases.due(now()) if task_id not in seen]:
        for task_id in due:
            if not has_time():
                return released
            seen.add(task_id)
            try:
                task = tasks.get(task_id)
                if task is None:
                    continue
                if task.status.is_settled:
                    released += _release(task, tasks, refresh, close, now)
                else:
                    look_after(task)
            except GatewayError as error:
                _log.warning("the credits of %s are not released: %s", task_id, error)
            except Exception:  # noqa: BLE001 - whatever it is
                # A record that cannot even be read must not stand in the way of the others.
                _log.exception("the credits of %s cannot be released", task_id)
    return released


def _release(
    task: Task,
    tasks: TaskStore,
    refresh: Callable[[Task], Task],
    close: Callable[[Task], Task],
    now: Callable[[], datetime],
) -> bool:
    try:
        task = close(task) if task.is_unwanted else refresh(task)
    except ProviderError as error:
        _log.warning("Kie.ai did not say what became of %s: %s", task.task_id, error)
        at, seen = now(), tasks.get(task.task_id) or task
        if credit_moves.may_ask_again(seen, at):
            tasks.move(seen, lambda current: credit_moves.release_later(current, at))
            return False
    return tasks.move(task, lambda current: credit_moves.release_overdue(current, now())).changed
