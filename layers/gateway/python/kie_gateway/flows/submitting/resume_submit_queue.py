"""Let the submit queue go on once the account at Kie.ai has credits again."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice

from kie_gateway.core.moves import submission_moves
from kie_gateway.core.ports.submit_queue import SubmitQueue
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.submit_queue import SHORT_PAUSE, WINDOW, wake_at
from kie_gateway.core.task import Task
from kie_gateway.flows.watching.watches import Watches

# As many as fit into a request; the sweep goes on with the rest.
MOST_AT_ONCE = 100


@dataclass(frozen=True)
class ResumeSubmitQueue:
    """
    Resumes the queue.

    Attributes:
        most: How many tasks are moved in one go.
    """

    tasks: TaskStore
    submit_queue: SubmitQueue
    watches: Watches
    now: Callable[[], datetime]
    most: int = MOST_AT_ONCE

    def __call__(
        self,
        *,
        fits: Callable[[Task], bool] = lambda _: True,
        has_time: Callable[[], bool] = lambda: True,
    ) -> int:
        """
        Issue everybody in the queue an earlier ticket: theirs are due at the end of the pause.

        Those who wait for credits outside the queue are submitted soon.

        Args:
            fits: Whether there are credits enough for a task.
            has_time: Whether there is time for another one.

        Returns:
            How many go on sooner, `most` at most.
        """
        self.submit_queue.resume()
        # What lies beyond the tickets that the queue has issued is left over from the pause.
        last, moved = self.submit_queue.last_ticket_at(), 0
        for task_id in self.submit_queue.waiting():
            task = self.tasks.get(task_id)
            if task is None or not task.is_in_submit_queue or task.next_at is None:
                continue
            if task.next_at <= last + WINDOW:
                continue
            if moved == self.most or not has_time():
                break
            moved += self._issue_ticket(task)
        return moved + self._submit_short_sooner(self.most - moved, fits, has_time)

    def if_funded(
        self, balance: Decimal | None, *, has_time: Callable[[], bool] = lambda: True
    ) -> int:
        """
        Resume the queue if Kie.ai's balance holds what one of the first needs.

        Who needs more will be refused in its turn, and waits by itself from then on.

        Args:
            balance: None if Kie.ai does not say.
            has_time: Whether there is time for another one.

        Returns:
            How many go on sooner, `most` at most.
        """

        def fits(task: Task) -> bool:
            return balance is not None and (task.price is None or task.price <= balance)

        state = self.submit_queue.state()
        if state is None or not state.for_credits or self._is_enough(balance):
            return self(fits=fits, has_time=has_time)
        if balance is not None and self.now() < state.not_before:
            # Not enough for those who wait in the queue, and perhaps for others.
            self.submit_queue.pause_for_credits(balance)
        return self._submit_short_sooner(self.most, fits, has_time)

    def _issue_ticket(self, task: Task) -> bool:
        ticket = self.submit_queue.enqueue(task.owner)
        moved = self.tasks.move(
            task,
            lambda current: submission_moves.wait_on(current, next_at=ticket.at, turn=ticket.turn),
        )
        if moved.changed:
            self.watches.hand_over(moved.task, wait_until=wake_at(ticket.at))
        return moved.changed

    def _is_enough(self, balance: Decimal | None) -> bool:
        if balance is None or balance <= 0:
            return False
        found = (self.tasks.get(task_id) for task_id in self.submit_queue.front())
        waiting = [task for task in found if task is not None and task.is_in_submit_queue]
        return not waiting or any(task.price is None or task.price <= balance for task in waiting)

    def _submit_short_sooner(
        self, most: int, fits: Callable[[Task], bool], has_time: Callable[[], bool]
    ) -> int:
        """Have those outside the queue submitted one after the other, the owners in turn."""
        moved, now = 0, self.now()
        for task in islice(self._short_in_turn(fits), most):
            if not has_time():
                break
            moved += self._submit_at(task, now + moved * SHORT_PAUSE)
        return moved

    def _short_in_turn(self, fits: Callable[[Task], bool]) -> Iterator[Task]:
        short = sorted(self.submit_queue.short_of_credits())
        ranks = Counter[str]()
        waiting = list[tuple[int, str, Task]]()
        for task in (self.tasks.get(task_id) for task_id in short):
            if task is not None and task.is_short_of_credits and fits(task):
                ranks[task.owner] += 1
                waiting.append((ranks[task.owner], task.task_id, task))
        yield from (task for _, _, task in sorted(waiting, key=lambda one: one[:2]))

    def _submit_at(self, task: Task, at: datetime) -> bool:
        moved = self.tasks.move(task, lambda current: submission_moves.submit_sooner(current, at))
        if moved.changed:
            self.watches.hand_over(moved.task, wait_until=at)
        return moved.changed
