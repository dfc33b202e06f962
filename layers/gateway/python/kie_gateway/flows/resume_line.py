"""Let the line before Kie.ai go on once the account there has credits again."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from kie_gateway.core import moves
from kie_gateway.core.pace import WINDOW, wake_at
from kie_gateway.core.ports import Executions, Line, TaskStore
from kie_gateway.core.task import Task
from kie_gateway.flows.watch_again import hand_over

# As many as fit into a request; the clock of the books goes on with the rest.
MOST_AT_ONCE = 100


def resume_line(
    *,
    line: Line,
    tasks: TaskStore,
    executions: Executions,
    now: datetime,
    most: int = MOST_AT_ONCE,
    may_go_on: Callable[[], bool] = lambda: True,
) -> int:
    """
    Give everybody in line an earlier slot: theirs come at the end of the pause.

    Args:
        may_go_on: Whether there is time for another one.

    Returns:
        How many got one, `most` at most.
    """
    line.resume()
    # What lies beyond the slots that the line has given away is left over from the pause.
    last, moved = line.ends_at(), 0
    for task_id in line.all():
        task = tasks.get(task_id)
        if task is None or not task.is_in_line or task.next_at is None:
            continue
        if task.next_at <= last + WINDOW:
            continue
        if moved == most or not may_go_on():
            break
        moved += _give_slot(task, line, tasks, executions, now)
    return moved


def resume_if_funded(
    balance: Decimal | None,
    *,
    line: Line,
    tasks: TaskStore,
    executions: Executions,
    now: datetime,
    most: int,
    may_go_on: Callable[[], bool] = lambda: True,
) -> int:
    """
    Let the line go on if Kie.ai's balance holds what the first in line needs.

    Args:
        balance: None if Kie.ai does not say.

    Returns:
        How many got an earlier slot.
    """
    pace = line.look()
    if pace is not None and pace.for_credits and not _is_enough(balance, line, tasks):
        return 0
    return resume_line(
        line=line, tasks=tasks, executions=executions, now=now, most=most, may_go_on=may_go_on
    )


def _give_slot(
    task: Task, line: Line, tasks: TaskStore, executions: Executions, now: datetime
) -> bool:
    place = line.join(task.owner)
    moved = tasks.move(
        task, lambda current: moves.wait_on(current, next_at=place.at, turn=place.turn)
    )
    if moved.changed:
        hand_over(
            moved.task,
            tasks=tasks,
            executions=executions,
            now=now,
            wait_until=wake_at(place.at),
        )
    return moved.changed


def _is_enough(balance: Decimal | None, line: Line, tasks: TaskStore) -> bool:
    if balance is None or balance <= 0:
        return False
    waiting = (tasks.get(task_id) for task_id in line.first())
    first = next((task for task in waiting if task is not None and task.is_in_line), None)
    return first is None or first.reservation is None or first.reservation.credits <= balance
