"""Start the first execution of a task that is recorded already."""

import logging
from datetime import datetime

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.ports.watching import Executions
from kie_gateway.core.task import Task

_log = logging.getLogger(__name__)


def start_watch(executions: Executions, task: Task, wait_until: datetime) -> None:
    """
    Follow a task from `wait_until` on, unless it has ended.

    Where that fails, the sweep does it.
    """
    if task.status.is_settled:
        return
    try:
        executions.start(task.task_id, task.watches, wait_until)
    except BackendUnavailableError as error:
        _log.warning("the sweep will watch %s: %s", task.task_id, error)
