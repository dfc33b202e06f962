"""
When somebody must look at a task, should whoever follows it have died.

Most tasks need no due time of their own: an execution follows them, and `release_at` is set from
their creation on. `sweep_at` is for those that come into the care of nobody by the very move that
opens or deletes them. `docs/decisions/0012-the-sweep.md` has the reasons.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from kie_gateway.core.task import Status, Task
from kie_gateway.core.timeline import Entry, Happened

# Whoever has made the move starts the watch within this time, or never.
START_GRACE = timedelta(minutes=2)
# A task that is followed is looked at again after this long.
LOOK_AGAIN = timedelta(hours=1)
# An execution that lives says within this time that the deadline has passed.
AFTER_DEADLINE = timedelta(minutes=30)
# Every function that has read a task before it was deleted has ended by then: Lambda gives 15 min.
AFTER_DELETION = timedelta(minutes=20)


def followed_anew(task: Task, now: datetime) -> Task:
    """Count a further execution, and have somebody look whether it was really started."""
    return replace(task, watches=task.watches + 1, sweep_at=now + START_GRACE)


def follow_entry(task: Task, now: datetime) -> Entry:
    """Return the timeline entry of another execution that has been counted."""
    return Entry(
        Happened.WATCH_STARTED,
        now,
        "Another execution follows the task.",
        {"watch": task.watches},
    )


def next_look_at(task: Task, now: datetime) -> datetime:
    """Choose when to look again at an open task that is followed."""
    later = now + LOOK_AGAIN
    if task.status is Status.STORING:
        return later
    return max(later, task.deadline_at + AFTER_DEADLINE)


def looked_at(task: Task, look_again_at: datetime) -> Task:
    """
    Set the due time that has brought the sweep here to a later moment.

    If a task has a due time of its own, `release_at` says when its credits are due.
    """
    if task.sweep_at is not None:
        return replace(task, sweep_at=look_again_at)
    if task.release_at is not None and not task.status.is_settled:
        return replace(task, release_at=max(task.release_at, look_again_at))
    return task
