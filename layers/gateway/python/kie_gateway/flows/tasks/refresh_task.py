"""Do at once what the watch would do later; never generates again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.moves import sweep_moves
from kie_gateway.core.moves.alternative_moves import is_same_attempt
from kie_gateway.core.polling.decision import is_being_sent
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.ports.watching import StoreQueue
from kie_gateway.core.task import Status, Task
from kie_gateway.flows.watching.watches import Watches


@dataclass(frozen=True)
class RefreshTask:
    """
    Asks Kie.ai now, and has the results copied if it is done.

    A task without a running execution (expired, or given up on storing) gets one if there is
    something to do: the move that says so counts it, and whoever refreshes again, or the sweep,
    starts it if this here ends before. One that still has to be submitted is for
    `flows/submitting/submit_now.py`, and one that is being submitted is left to its sender.

    Attributes:
        ask: Asks Kie.ai how a task stands and records the answer.
    """

    tasks: TaskStore
    watches: Watches
    store_queue: StoreQueue
    ask: Callable[[Task], Task]
    now: Callable[[], datetime]

    def __call__(self, task: Task) -> Task:
        """Refresh one task; returns the record afterwards."""
        if is_being_sent(task, self.now()):
            return task
        after = self._refreshed(task)
        if after.status is not Status.STORING:
            return after if is_same_attempt(task, after) else self.watches.go_on(after)
        try:
            self.store_queue.request_storing(after.task_id)
        finally:
            # Even if the queue is down: perhaps nothing else follows the task by now.
            self.watches.start(after)
        return after

    def _refreshed(self, task: Task) -> Task:
        if task.is_unstored or task.status is Status.STORING:
            return self.tasks.move(
                task, lambda current: sweep_moves.try_storing_again(current, self.now())
            ).task
        if task.status in (Status.QUEUED, Status.RUNNING, Status.EXPIRED):
            return self.ask(task)
        return task
