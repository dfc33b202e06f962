"""
How far an open task is, when it is expected to end, and when it is worth reading again.

All of it follows from the record and the time: how long Kie.ai is expected to take is written down
with the task, so whoever reads a task twice, from whichever process, never sees it go back. Both
values move in steps, so that most reads of a task that has not moved give the same answer. The
choices are explained in `docs/decisions/0017-expectations-are-in-the-record.md`.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from kie_gateway.core.task import Status, Submission, Task

# How long a copy into the bucket usually takes.
STORING_SECONDS = 4.0
# Of the whole, in hundredths: when Kie.ai is expected to be done, and when it surely is.
_EXPECTED_END, _STORING = 80, 95
# Steps of progress in hundredths, until the expected end.
_STEP = 5
# An end that draws near moves away by so much, while it is still ahead by a part of the age.
_GROWTH, _AHEAD = 1.25, 1.1
# Pauses of those who come back, and of a request that waits and looks.
_SHORTEST_SECONDS, _LONGEST_SECONDS = 1.0, 15.0
_SHORTEST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.75, 3.0


@dataclass(frozen=True)
class Outlook:
    """
    What is expected of a task.

    Attributes:
        percent: How much of it is done, 100 only once it has succeeded; None where nobody knows.
        expected_at: When it is expected to have ended; None where nobody knows, or once it has.
    """

    percent: int | None
    expected_at: datetime | None

    @property
    def progress(self) -> float | None:
        """How much of it is done, from 0 to 1."""
        return None if self.percent is None else self.percent / 100


@dataclass(frozen=True)
class _Stage:
    """What a task is in: since when, perhaps from a moment to come, and for how many seconds."""

    since: datetime
    seconds: float

    def age(self, now: datetime) -> float:
        return (now - self.since).total_seconds()

    def left(self, now: datetime) -> float:
        """Return the seconds to the end as first expected; negative once it has passed."""
        return self.seconds - self.age(now)


def outlook(task: Task, now: datetime) -> Outlook:
    """Return how far a task is, and when it is expected to end."""
    if task.status.is_settled:
        return Outlook(100 if task.status is Status.SUCCEEDED else None, None)
    stage = _stage(task)
    if stage is None:
        return Outlook(None, None)
    return Outlook(_percent_of(task, stage, now), _expected_at(task, stage, now))


def seconds_to_next_read(task: Task, now: datetime) -> float:
    """
    Return when an open task is worth reading again.

    After its turn in the submit queue; or soon after its expected end, then in ever longer pauses;
    often enough in between for a progress bar.
    """
    waits = task.is_in_submit_queue or task.is_short_of_credits
    if waits and task.next_at is not None and task.next_at > now:
        return (task.next_at - now).total_seconds() + _SHORTEST_SECONDS
    stage = _stage(task)
    left = stage.left(now) if stage is not None else 0.0
    age = stage.age(now) if stage is not None else (now - task.created_at).total_seconds()
    pause = left + _SHORTEST_SECONDS if left > 0 else age / 10
    return min(max(pause, _SHORTEST_SECONDS), _LONGEST_SECONDS)


def seconds_to_next_look(task: Task, now: datetime) -> float:
    """
    Return how long a request that waits for an open task sleeps before it looks again.

    Less when Kie.ai has just begun, which is when it refuses an input, and around the expected end.
    """
    stage = _stage(task)
    if stage is None:
        distance = (now - task.created_at).total_seconds() / 4
    else:
        distance = min(abs(stage.age(now)) / 2, abs(stage.left(now)) / 4)
    return round(min(max(distance, _SHORTEST_LOOK_SECONDS), _LONGEST_LOOK_SECONDS), 2)


def _stage(task: Task) -> _Stage | None:
    """Return what an open task is in; None if nobody knows how long it takes."""
    if task.status is Status.STORING:
        # When the next copy may begin; the first one may at once.
        return _Stage(task.next_at or task.created_at, STORING_SECONDS)
    if task.expected_seconds is None or task.submission is Submission.UNKNOWN:
        return None
    since = task.submitted_at or task.created_at
    if task.status is Status.QUEUED:
        is_waiting = task.submission is Submission.WAITING
        since = (task.next_at if is_waiting else task.sending_at) or task.created_at
    return _Stage(since, task.expected_seconds)


def _percent_of(task: Task, stage: _Stage, now: datetime) -> int:
    if task.status is Status.STORING:
        return _STORING
    own = _percent(stage.age(now), stage.seconds) if task.status is Status.RUNNING else 0
    return max(own, _reached_before(task))


def _reached_before(task: Task) -> int:
    """Return how far the task was before it went back to an earlier stage."""
    if task.previews:
        # It was about to be stored, and turned out to be a preview.
        return _STORING
    over = (
        _percent((one.ended_at - one.submitted_at).total_seconds(), one.tried.expected_seconds)
        for one in task.attempts
        if one.submitted_at is not None and one.tried.expected_seconds is not None
    )
    return max(over, default=0)


def _percent(age: float, expected: float) -> int:
    """Return how far a running task is: evenly to its expected end, then ever more slowly."""
    share = max(age / expected, 0.0)
    if share < 1:
        done = int(share * _EXPECTED_END)
        return done - done % _STEP
    return int(_STORING - (_STORING - _EXPECTED_END) / (1 + 2 * (share - 1)))


def _expected_at(task: Task, stage: _Stage, now: datetime) -> datetime | None:
    is_storing = task.status is Status.STORING
    if not is_storing and now >= task.deadline_at:
        return None
    # The longer it has taken, the longer it may take: the usual times are log-normal.
    overdue = _AHEAD * max(stage.age(now), 0.0) / stage.seconds
    steps = math.ceil(math.log(overdue, _GROWTH)) if overdue > 1 else 0
    end = stage.since + timedelta(seconds=stage.seconds * _GROWTH**steps)
    end -= timedelta(microseconds=end.microsecond % 1000)
    return end if is_storing else min(end, task.deadline_at)
