"""Find out what an unwanted task has cost: Kie.ai cannot be stopped, and charges for a success."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.provider_errors import ProviderError
from kie_gateway.core.moves import credit_moves
from kie_gateway.core.polling.report import Failed, Finished, Partial
from kie_gateway.core.ports.kie import Provider
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Task


@dataclass(frozen=True)
class CloseReservation:
    """
    Asks Kie.ai about canceled and deleted tasks, and charges them or releases their credits.

    Nothing of the answer is kept but the price. While there is no verdict the reservation stays.
    """

    tasks: TaskStore
    kie: Provider
    now: Callable[[], datetime]

    def __call__(self, task: Task, *, must_answer: bool = False) -> Task:
        """
        Close one task's reservation; returns the record afterwards.

        Args:
            must_answer: Raise if Kie.ai does not answer, instead of leaving the task as it is.

        Raises:
            ProviderError: It did not answer.
        """
        if not task.is_price_open or task.upstream_task_id is None:
            return task
        try:
            verdict = self.kie.ask(task).report
        except ProviderError:
            if must_answer:
                raise
            return task
        if isinstance(verdict, Partial):
            # Kie.ai has charged for the whole.
            verdict = verdict.finished
        if not isinstance(verdict, Finished | Failed):
            return task
        return self.tasks.move(
            task, lambda current: credit_moves.close_canceled(current, verdict, self.now())
        ).task
