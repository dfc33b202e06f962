"""Let the line before Kie.ai go on once the account there has credits again."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice

from kie_gateway.core import moves
from kie_gateway.core.pace import SHORT_PAUSE, WINDOW, wake_at
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
    fits: Callable[[Task], bool] = lambda _: True,
    may_go_on: Callable[[], bool] = lambda: True,
) -> int:
    """
    Give everybody in line an earlier slot: theirs come at the end of the pause.

    Those who wait for credits outside the line are sent soon.

    Args:
        fits: Whether there are credits enough for a task.
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
    short = _Short(line, tasks, executions, now, most - moved, fits, may_go_on)
    return moved + short.send_sooner()


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
    Let the line go on if Kie.ai's balance holds what one of the first needs.

    Who needs more will be refused in its turn, and waits by itself from then on.

    Args:
        balance: None if Kie.ai does not say.

    Returns:
        How many got an earlier slot, or are sent sooner.
    """

    def fits(task: Task) -> bool:
        return balance is not None and (task.price is None or task.price <= balance)

    pace = line.look()
    if pace is None or not pace.for_credits or _is_enough(balance, line, tasks):
        return resume_line(
            line=line,
            tasks=tasks,
            executions=executions,
            now=now,
            most=most,
            fits=fits,
            may_go_on=may_go_on,
        )
    if balance is not None and now < pace.not_before:
        # Not enough for those who wait in line, and perhaps for others.
        line.hold(balance)
    return _Short(line, tasks, executions, now, most, fits, may_go_on).send_sooner()


@dataclass(frozen=True)
class _Short:
    """Those who wait for credits outside the line."""

    line: Line
    tasks: TaskStore
    executions: Executions
    now: datetime
    most: int
    fits: Callable[[Task], bool]
    may_go_on: Callable[[], bool]

    def send_sooner(self) -> int:
        """Have them sent one after the other, the owners in turn."""
        moved = 0
        for task in islice(self._in_turn(), self.most):
            if not self.may_go_on():
                break
            moved += self._send_at(task, self.now + moved * SHORT_PAUSE)
        return moved

    def _in_turn(self) -> Iterator[Task]:
        found = (self.tasks.get(task_id) for task_id in sorted(self.line.short()))
        ranks = Counter[str]()
        waiting = list[tuple[int, str, Task]]()
        for task in found:
            if task is not None and task.is_short_of_credits and self.fits(task):
                ranks[task.owner] += 1
                waiting.append((ranks[task.owner], task.task_id, task))
        yield from (task for _, _, task in sorted(waiting, key=lambda one: one[:2]))

    def _send_at(self, task: Task, at: datetime) -> bool:
        moved = self.tasks.move(task, lambda current: moves.send_sooner(current, at))
        if moved.changed:
            hand_over(
                moved.task,
                tasks=self.tasks,
                executions=self.executions,
                now=self.now,
                wait_until=at,
            )
        return moved.changed


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
    found = (tasks.get(task_id) for task_id in line.first())
    waiting = [task for task in found if task is not None and task.is_in_line]
    return not waiting or any(task.price is None or task.price <= balance for task in waiting)
