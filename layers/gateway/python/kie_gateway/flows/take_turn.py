"""Use a task's slot at Kie.ai for whoever's turn it is."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from kie_gateway.core import moves
from kie_gateway.core.pace import EARLY, HARDLY_LATE, SHORT_PAUSE, Pace
from kie_gateway.core.ports import Line, Moved, TaskStore
from kie_gateway.core.task import Status, Step, Submission, Task

# Who would wait longer for a moment to send at goes to sleep again.
_PATIENCE = timedelta(seconds=3)


def take_turn(
    task: Task,
    *,
    tasks: TaskStore,
    line: Line,
    submit: Callable[[Task], Task],
    now: Callable[[], datetime],
    pause: Callable[[float], None],
) -> Task:
    """
    Send the first task in line to Kie.ai; where there is no line, the task itself.

    Slots are given by arrival, turns by fairness. When the slot of a task comes while another is
    first, the other is sent, and the two change places: as many slots are left as tasks.

    Args:
        submit: Asks Kie.ai for a task whose record says `sending`, for us.
        pause: Waits so many seconds, a few at most.

    Returns:
        The task's own record afterwards.
    """
    if not _is_time(task, now, pause):
        # Something else woke it.
        return task
    pace = line.look()
    is_open = pace is None or pace.covers(task.price)
    if task.next_step is not Step.SUBMIT or (is_open and not task.is_in_line):
        return _send(task, tasks, submit, now).task
    if (
        task.turn is None
        or task.is_short_of_credits
        or (pace is not None and now() < pace.not_before)
    ):
        place = line.join(task.owner)
        return _wait(task, place.at, place.turn, tasks)
    send = line.reserve(_PATIENCE)
    if not send.is_reserved:
        return _wait(task, send.at, task.turn, tasks)
    _pause_until(send.at, now, pause)
    sent_at = list[datetime]()

    def submit_and_tell(one: Task) -> Task:
        sent_at.append(now())
        return submit(one)

    after = _send_first(task, pace, tasks, line, submit_and_tell, now)
    if sent_at and sent_at[0] - send.at > HARDLY_LATE:
        line.correct(send.at, sent_at[0])
    return after


def _send_first(
    task: Task,
    pace: Pace | None,
    tasks: TaskStore,
    line: Line,
    submit: Callable[[Task], Task],
    now: Callable[[], datetime],
) -> Task:
    for other in _first_in_line(task, tasks, line):
        line.let_through(other.turn or 0)
        sent = _send(other, tasks, submit, now)
        if sent.changed:
            tell_line(pace, sent.task, line)
        if other is task:
            return sent.task
        if sent.changed:
            return _wait(task, other.next_at or now(), task.turn or 0, tasks)
    # Others are sending all of them, or the index lags behind.
    return _wait(task, now() + SHORT_PAUSE, task.turn or 0, tasks)


def _is_time(task: Task, now: Callable[[], datetime], pause: Callable[[float], None]) -> bool:
    """Wait for a slot that is near; False if it is not."""
    if not task.is_in_line or task.next_at is None:
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


def _first_in_line(task: Task, tasks: TaskStore, line: Line) -> Iterator[Task]:
    for first in line.first():
        other = task if first == task.task_id else tasks.get(first)
        if other is not None and other.is_in_line:
            yield other


def tell_line(pace: Pace | None, sent: Task, line: Line) -> None:
    """
    Tell the line of an answer that ends what holds it up.

    Args:
        pace: As it was before the creation was sent.
    """
    if pace is None:
        return
    is_taken = sent.submission is Submission.ACCEPTED
    if pace.for_credits and is_taken and not pace.covers(sent.price):
        line.resume()
    if pace.refusals and sent.status is not Status.QUEUED:
        # Taken, or judged by what it asks for.
        line.accept()


def _send(
    task: Task, tasks: TaskStore, submit: Callable[[Task], Task], now: Callable[[], datetime]
) -> Moved:
    """Send a creation; unchanged if somebody else has taken the right to."""
    moved = tasks.move(task, lambda current: moves.start_submission(current, now()))
    return Moved(submit(moved.task), changed=True) if moved.changed else moved


def _wait(task: Task, at: datetime, turn: int, tasks: TaskStore) -> Task:
    return tasks.move(task, lambda current: moves.wait_on(current, next_at=at, turn=turn)).task
