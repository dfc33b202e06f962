"""Use a task's ticket at Kie.ai for whoever's turn it is."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from kie_gateway.core import moves
from kie_gateway.core.ports import Moved, SubmitQueue, TaskStore
from kie_gateway.core.submit_queue import EARLY, HARDLY_LATE, SHORT_PAUSE, SubmitQueueState
from kie_gateway.core.task import Status, Step, Submission, Task

# Who would wait longer for a moment to send at goes to sleep again.
_PATIENCE = timedelta(seconds=3)


def submit_from_queue(
    task: Task,
    *,
    tasks: TaskStore,
    submit_queue: SubmitQueue,
    submit: Callable[[Task], Task],
    now: Callable[[], datetime],
    pause: Callable[[float], None],
) -> Task:
    """
    Send the first task in the queue to Kie.ai; where there is no queue, the task itself.

    Tickets are issued by arrival, turns by fairness. When a task's ticket is due while another task
    is first, the other is submitted, and the two swap tickets: as many are left as tasks.

    Args:
        submit: Asks Kie.ai for a task whose record says `sending`, for us.
        pause: Waits so many seconds, a few at most.

    Returns:
        The task's own record afterwards.
    """
    if not _is_time(task, now, pause):
        # Something else woke it.
        return task
    state = submit_queue.state()
    is_open = state is None or state.covers(task.price)
    if task.next_step is not Step.SUBMIT or (is_open and not task.is_in_submit_queue):
        return _send(task, tasks, submit, now).task
    if (
        task.submit_turn is None
        or task.is_short_of_credits
        or (state is not None and now() < state.not_before)
    ):
        ticket = submit_queue.enqueue(task.owner)
        return _wait(task, ticket.at, ticket.turn, tasks)
    permit = submit_queue.acquire_permit(_PATIENCE)
    if not permit.is_granted:
        return _wait(task, permit.at, task.submit_turn, tasks)
    _pause_until(permit.at, now, pause)
    sent_at = list[datetime]()

    def submit_and_tell(one: Task) -> Task:
        sent_at.append(now())
        return submit(one)

    after = _send_first(task, state, tasks, submit_queue, submit_and_tell, now)
    if sent_at and sent_at[0] - permit.at > HARDLY_LATE:
        submit_queue.correct_permit(permit.at, sent_at[0])
    return after


def _send_first(
    task: Task,
    state: SubmitQueueState | None,
    tasks: TaskStore,
    submit_queue: SubmitQueue,
    submit: Callable[[Task], Task],
    now: Callable[[], datetime],
) -> Task:
    for other in _first_in_queue(task, tasks, submit_queue):
        submit_queue.advance_to(other.submit_turn or 0)
        sent = _send(other, tasks, submit, now)
        if sent.changed:
            report_outcome(state, sent.task, submit_queue)
        if other is task:
            return sent.task
        if sent.changed:
            return _wait(task, other.next_at or now(), task.submit_turn or 0, tasks)
    # Others are sending all of them, or the index lags behind.
    return _wait(task, now() + SHORT_PAUSE, task.submit_turn or 0, tasks)


def _is_time(task: Task, now: Callable[[], datetime], pause: Callable[[float], None]) -> bool:
    """Wait for a ticket that is near; False if it is not."""
    if not task.is_in_submit_queue or task.next_at is None:
        return True
    if task.next_at - now() > EARLY:
        return False
    _pause_until(task.next_at, now, pause)
    return True


def _pause_until(
    moment: datetime, now: Callable[[], datetime], pause: Callable[[float], None]
) -> None:
    left = (moment - now()).total_seconds()
    if left > 0:
        pause(left)


def _first_in_queue(task: Task, tasks: TaskStore, submit_queue: SubmitQueue) -> Iterator[Task]:
    for first in submit_queue.front():
        other = task if first == task.task_id else tasks.get(first)
        if other is not None and other.is_in_submit_queue:
            yield other


def report_outcome(state: SubmitQueueState | None, sent: Task, submit_queue: SubmitQueue) -> None:
    """
    Tell the queue of an answer that ends what holds it up.

    Args:
        state: As it was before the creation was sent.
    """
    if state is None:
        return
    is_taken = sent.submission is Submission.ACCEPTED
    if state.for_credits and is_taken and not state.covers(sent.price):
        submit_queue.resume()
    if state.refusals and sent.status is not Status.QUEUED:
        # Taken, or judged by what it asks for.
        submit_queue.report_acceptance()


def _send(
    task: Task, tasks: TaskStore, submit: Callable[[Task], Task], now: Callable[[], datetime]
) -> Moved:
    """Send a creation; unchanged if somebody else has taken the right to."""
    moved = tasks.move(task, lambda current: moves.start_submission(current, now()))
    return Moved(submit(moved.task), changed=True) if moved.changed else moved


def _wait(task: Task, at: datetime, turn: int, tasks: TaskStore) -> Task:
    return tasks.move(task, lambda current: moves.wait_on(current, next_at=at, turn=turn)).task
