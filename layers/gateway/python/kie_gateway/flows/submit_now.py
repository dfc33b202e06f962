"""Send a creation that Kie.ai refused for now sooner than planned."""

from collections.abc import Callable
from datetime import datetime

from kie_gateway.core import moves
from kie_gateway.core.decision import decide
from kie_gateway.core.ports import Executions, StoreQueue, SubmitQueue, TaskStore
from kie_gateway.core.task import Submission, Task
from kie_gateway.flows.resume_submit_queue import resume_submit_queue
from kie_gateway.flows.submit_watched import submit_watched


def submit_now(
    task: Task,
    *,
    tasks: TaskStore,
    executions: Executions,
    queue: StoreQueue,
    submit_queue: SubmitQueue,
    submit: Callable[[Task], Task],
    now: Callable[[], datetime],
    may_go_on: Callable[[], bool] = lambda: True,
) -> Task:
    """
    Send a creation at once, unless it stands in the queue for its turn.

    While Kie.ai's account is out of credits this finds out whether that has changed; if so,
    everybody who waits for credits goes on.

    Args:
        submit: Asks Kie.ai for a task whose record says `sending`, for us.
        may_go_on: Whether there is time for one more of those who wait for credits.
    """
    state = submit_queue.state()
    waits_for_credits = state is not None and state.for_credits and not state.covers(task.price)
    was_short = task.is_short_of_credits
    if task.is_in_submit_queue and not waits_for_credits:
        return task
    sleeps_until = decide(task, now()).wait_until
    moved = tasks.move(task, lambda current: moves.start_submission(current, now()))
    if not moved.changed:
        return moved.task
    after = submit_watched(
        moved.task,
        sleeps_until=sleeps_until,
        submit=submit,
        tasks=tasks,
        executions=executions,
        queue=queue,
        now=now,
    )
    if (waits_for_credits or was_short) and after.submission is Submission.ACCEPTED:
        resume_submit_queue(
            submit_queue=submit_queue,
            tasks=tasks,
            executions=executions,
            now=now(),
            may_go_on=may_go_on,
        )
    return after
