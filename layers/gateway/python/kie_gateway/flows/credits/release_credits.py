"""Release the credits of tasks of which nothing has been heard for too long."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.base import GatewayError
from kie_gateway.core.errors.provider_errors import ProviderError
from kie_gateway.core.moves import credit_moves
from kie_gateway.core.ports.tasks import Releases, TaskStore
from kie_gateway.core.task import Task
from kie_gateway.flows.each_due import each_due

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReleaseCredits:
    """
    Releases what is due; Kie.ai is asked one last time about each task.

    A question that Kie.ai does not answer is asked again an hour later, for a day.

    Attributes:
        refresh: Asks about an expired task, whose result still counts. Raises ProviderError.
        close: Asks about a canceled or deleted one, of which only the price counts. Raises
            ProviderError.
        look_after: Sees to an open task that nobody may follow (`flows/watching/sweep_tasks.py`).
    """

    releases: Releases
    tasks: TaskStore
    refresh: Callable[[Task], Task]
    close: Callable[[Task], Task]
    look_after: Callable[[Task], object]
    now: Callable[[], datetime]

    def __call__(self, has_time: Callable[[], bool] = lambda: True) -> int:
        """
        Release what is due.

        Args:
            has_time: Whether there is time for one more; what is left over is done the next time.

        Returns:
            How many reservations were released; a task in trouble is left for the next time.
        """
        due = each_due(lambda: self.releases.due(self.now()), has_time)
        return sum(self._try(task_id) for task_id in due)

    def _try(self, task_id: str) -> bool:
        try:
            task = self.tasks.get(task_id)
            if task is None:
                return False
            if task.status.is_settled:
                return self._release(task)
            self.look_after(task)
        except GatewayError as error:
            _log.warning("the credits of %s were not released: %s", task_id, error)
        except Exception:  # noqa: BLE001 - whatever it is
            # A record that cannot even be read must not stand in the way of the others.
            _log.exception("the credits of %s cannot be released", task_id)
        return False

    def _release(self, task: Task) -> bool:
        try:
            task = self.close(task) if task.is_unwanted else self.refresh(task)
        except ProviderError as error:
            _log.warning("Kie.ai did not say what became of %s: %s", task.task_id, error)
            now, seen = self.now(), self.tasks.get(task.task_id) or task
            if credit_moves.may_ask_again(seen, now):
                self.tasks.move(seen, lambda current: credit_moves.release_later(current, now))
                return False
        return self.tasks.move(
            task, lambda current: credit_moves.release_overdue(current, self.now())
        ).changed
