"""Count how long a finished task took at Kie.ai, so that the next ones are asked about in time."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.ports.watching import ModelTimes
from kie_gateway.core.task import CompletedBy, Task

_log = logging.getLogger(__name__)

# Other ways tell when somebody looked, and not when Kie.ai was done.
_TELLING = (CompletedBy.WEBHOOK, CompletedBy.POLL)


@dataclass(frozen=True)
class LearnTime:
    """Counts times of tasks."""

    times: ModelTimes
    now: Callable[[], datetime]

    def __call__(self, task: Task) -> None:
        """Count a task's time; without it the schedule is a little worse, and nothing else."""
        done, began = task.upstream_completed_at, task.submitted_at
        if task.completed_by not in _TELLING or done is None or began is None:
            return
        now = self.now()
        seconds = (done - began).total_seconds()
        # Some families write times of a zone they do not name: those make no sense here.
        if not 0 <= seconds <= (now - began).total_seconds():
            return
        try:
            self.times.add(task.model, seconds, now)
        except BackendUnavailableError as error:
            _log.warning("the time of %s was not counted: %s", task.task_id, error)
