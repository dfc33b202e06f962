"""Find out what an unwanted task has cost: Kie.ai cannot be stopped, and charges for a success."""

from collections.abc import Callable
from datetime import datetime

from kie_gateway.core import credit_moves
from kie_gateway.core.errors import ProviderError
from kie_gateway.core.ports import Provider, TaskStore
from kie_gateway.core.report import Failed, Finished, Partial
from kie_gateway.core.task import Task


def close_reservation(
    task: Task,
    *,
    tasks: TaskStore,
    kie: Provider,
    now: Callable[[], datetime],
    must_answer: bool = False,
) -> Task:
    """
    Ask Kie.ai about a canceled or deleted task, and charge it or give its credits back.

    Nothing of the answer is kept but the price. While there is no verdict the reservation stays.

    Args:
        must_answer: Raise if Kie.ai does not answer, instead of leaving the task as it is.

    Raises:
        ProviderError: It did not answer.
    """
    if not task.is_price_open or task.upstream_task_id is None:
        return task
    try:
        verdict = kie.ask(task).report
    except ProviderError:
        if must_answer:
            raise
        return task
    if isinstance(verdict, Partial):
        # Kie.ai has charged for the whole.
        verdict = verdict.finished
    if not isinstance(verdict, Finished | Failed):
        return task
    return tasks.move(
        task, lambda current: credit_moves.close_canceled(current, verdict, now())
    ).task
