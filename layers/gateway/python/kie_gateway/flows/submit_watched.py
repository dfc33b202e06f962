"""Submit a task that is watched already, and have it watched as closely as the answer asks for."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from kie_gateway.core.decision import decide
from kie_gateway.core.errors import BackendUnavailableError, GatewayError
from kie_gateway.core.ports import Executions, StoreQueue, TaskStore
from kie_gateway.core.task import Status, Task
from kie_gateway.flows.watch_again import hand_over

_log = logging.getLogger(__name__)

# Another execution costs more than looking a little late.
_WORTH_IT = timedelta(seconds=0.5)


def submit_watched(
    task: Task,
    *,
    sleeps_until: datetime,
    submit: Callable[[Task], Task],
    tasks: TaskStore,
    executions: Executions,
    queue: StoreQueue,
    now: Callable[[], datetime],
) -> Task:
    """
    Submit; from here on trouble is the watch's and not the caller's.

    Args:
        sleeps_until: When the task's watch looks next; another takes over if that is too late.
        submit: Asks Kie.ai for a task whose record says `sending`, for us.
    """
    try:
        after = submit(task)
        if after.status is Status.STORING:
            # The answer held the result: no webhook will come, and the watch sleeps.
            queue.request_storing(task.task_id)
        # Kie.ai may have taken its time: what happens now is stamped as of now.
        due = decide(after, now())
        is_open = after.status in (Status.QUEUED, Status.RUNNING)
        if is_open and sleeps_until - due.wait_until > _WORTH_IT:
            after = hand_over(
                after, tasks=tasks, executions=executions, now=now(), wait_until=due.wait_until
            )
    except GatewayError as error:
        _log.warning("the watch goes on with %s: %s", task.task_id, error)
        return _as_it_stands(task, tasks)
    except Exception:  # noqa: BLE001 - told in the log
        # Whatever it is: the task may be paid by now, and the caller does not know it yet.
        _log.exception("the watch goes on with %s", task.task_id)
        return _as_it_stands(task, tasks)
    return after


def _as_it_stands(task: Task, tasks: TaskStore) -> Task:
    """Read a task; a caller who got an error here would create, and pay, again."""
    try:
        return tasks.get(task.task_id) or task
    except BackendUnavailableError:
        return task
