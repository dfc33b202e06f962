"""Let the submit queue go on once the account there has credits again."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice

from kie_gateway.core import moves
from kie_gateway.core.ports import Executions, SubmitQueue, TaskStore
from kie_gateway.core.submit_queue import SHORT_PAUSE, WINDOW, wake_at
from kie_gateway.core.task import Task
from kie_gateway.flows.watch_again import hand_over

# As many as fit into a request; the clock of the books goes on with the rest.
MOST_AT_ONCE = 100


def resume_submit_queue(
    *,
    submit_queue: SubmitQueue,
    tasks: TaskStore,
    executions: Executions,
    now: datetime,
    most: int = MOST_AT_ONCE,
    fits: Callable[[Task], bool] = lambda _: True,
    may_go_on: Callable[[], bool] = lambda: True,
) -> int:
    """
    Give everybody in the queue an earlier ticket: theirs come at the end of the pause.

    Those who wait for credits outside the queue are sent soon.

    Args:
        fits: Whether there are credits enough for a task.
        may_go_on: Whether there is time for another one.

    Returns:
        How many got one, `most` at most.
    """
    submit_queue.resume()
    # What lies beyond the tickets that the queue has given away is left over from the pause.
    last, moved = submit_queue.last_ticket_at(), 0
    for task_id in submit_queue.waiting():
        task = tasks.get(task_id)
        if task is None or not task.is_in_submit_queue or task.next_at is None:
            continue
        if task.next_at <= last + WINDOW:
            continue
        if moved == most or not may_go_on():
            break
        moved += _give_ticket(task, submit_queue, tasks, executions, now)
    short = _Short(submit_queue, tasks, executions, now, most - moved, fits, may_go_on)
    return moved + short.submit_sooner()


def resume_if_funded(
    balance: Decimal | None,
    *,
    submit_queue: SubmitQueue,
    tasks: TaskStore,
    executions: Executions,
    now: datetime,
    most: int,
    may_go_on: Callable[[], bool] = lambda: True,
) -> int:
    """
    Let the queue go on if Kie.ai's balance holds what one of the first needs.

    Who needs more will be refused in its turn, and waits by itself from then on.

    Args:
        balance: None if Kie.ai does not say.

    Returns:
        How many got an earlier ticket, or are sent sooner.
    """

    def fits(task: Task) -> bool:
        return balance is not None and (task.price is None or task.price <= balance)

    state = submit_queue.state()
    if state is None or not state.for_credits or _is_enough(balance, submit_queue, tasks):
        return resume_submit_queue(
            submit_queue=submit_queue,
            tasks=tasks,
            executions=executions,
            now=now,
            most=most,
            fits=fits,
            may_go_on=may_go_on,
        )
    if balance is not None and now < state.not_before:
        # Not enough for those who wait in the queue, and perhaps for others.
        submit_queue.pause_for_credits(balance)
    return _Short(submit_queue, tasks, executions, now, most, fits, may_go_on).submit_sooner()


@dataclass(frozen=True)
class _Short:
    """Those who wait for credits outside the queue."""

    submit_queue: SubmitQueue
    tasks: TaskStore
    executions: Executions
    now: datetime
    most: int
    fits: Callable[[Task], bool]
    may_go_on: Callable[[], bool]

    def submit_sooner(self) -> int:
        """Have them sent one after the other, the owners in turn."""
        moved = 0
        for task in islice(self._in_turn(), self.most):
            if not self.may_go_on():
                break
            moved += self._send_at(task, self.now + moved * SHORT_PAUSE)
        return moved

    def _in_turn(self) -> Iterator[Task]:
        found = (
            self.tasks.get(task_id) for task_id in sorted(self.submit_queue.short_of_credits())
        )
        ranks = Counter[str]()
        waiting = list[tuple[int, str, Task]]()
        for task in found:
            if task is not None and task.is_short_of_credits and self.fits(task):
                ranks[task.owner] += 1
                waiting.append((ranks[task.owner], task.task_id, task))
        yield from (task for _, _, task in sorted(waiting, key=lambda one: one[:2]))

    def _send_at(self, task: Task, at: datetime) -> bool:
        moved = self.tasks.move(task, lambda current: moves.submit_sooner(current, at))
        if moved.changed:
            hand_over(
                moved.task,
                tasks=self.tasks,
                executions=self.executions,
                now=self.now,
                wait_until=at,
            )
        return moved.changed


def _give_ticket(
    task: Task, submit_queue: SubmitQueue, tasks: TaskStore, executions: Executions, now: datetime
) -> bool:
    ticket = submit_queue.enqueue(task.owner)
    moved = tasks.move(
        task, lambda current: moves.wait_on(current, next_at=ticket.at, turn=ticket.turn)
    )
    if moved.changed:
        hand_over(
            moved.task,
            tasks=tasks,
            executions=executions,
            now=now,
            wait_until=wake_at(ticket.at),
        )
    return moved.changed


def _is_enough(balance: Decimal | None, submit_queue: SubmitQueue, tasks: TaskStore) -> bool:
    if balance is None or balance <= 0:
        return False
    found = (tasks.get(task_id) for task_id in submit_queue.front())
    waiting = [task for task in found if task is not None and task.is_in_submit_queue]
    return not waiting or any(task.price is None or task.price <= balance for task in waiting)
