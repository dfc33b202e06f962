"""Do at once what the watch would do later; never generates again."""

from collections.abc import Callable
from datetime import datetime

from kie_gateway.core import sweep_moves
from kie_gateway.core.decision import is_being_sent
from kie_gateway.core.ports import Executions, StoreQueue, TaskStore
from kie_gateway.core.task import Status, Task
from kie_gateway.flows.watch_again import start_watch


def refresh_task(
    task: Task,
    *,
    tasks: TaskStore,
    executions: Executions,
    queue: StoreQueue,
    ask: Callable[[Task], Task],
    now: Callable[[], datetime],
) -> Task:
    """
    Ask Kie.ai now, and have the results copied if it is done.

    A task without a running execution (expired, or given up on storing) gets one if there is
    something to do: the move that says so counts it, and whoever refreshes again, or the sweep,
    starts it if this here ends before. One that still has to be sent is for `flows/submit_now.py`,
    and one that is being sent is left to its sender.
    """
    if is_being_sent(task, now()):
        return task
    if task.is_unstored or task.status is Status.STORING:
        after = tasks.move(task, lambda current: sweep_moves.try_storing_again(current, now())).task
    elif task.status in (Status.QUEUED, Status.RUNNING, Status.EXPIRED):
        after = ask(task)
    else:
        after = task
    if after.status is not Status.STORING:
        return after
    try:
        queue.request_storing(after.task_id)
    finally:
        # Even if the queue is down: perhaps nothing else follows the task by now.
        start_watch(after, executions=executions, now=now())
    return after
