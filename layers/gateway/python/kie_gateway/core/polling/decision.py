"""What the watch does next with a task; the machine only routes by it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kie_gateway.core.submit_queue import wake_at
from kie_gateway.core.task import Status, Step, Submission, Task

# Longer than any call of ours to Kie.ai can take: after it, a creation that still reads `sending`
# was abandoned by its sender.
SENDING_LIMIT = timedelta(seconds=60)
# Step Functions ends an execution at 25,000 history events (its quotas page). A further poll writes
# 9 of them, and each of the 22 retries that its state allows 3 more, so that even an execution
# whose every step used up its retries stays below.
STEPS_PER_EXECUTION = 300


@dataclass(frozen=True)
class Decision:
    """The next step and the moment from which it may be done."""

    step: Step
    wait_until: datetime


def decide(task: Task, now: datetime) -> Decision:
    """
    Decide what a task lacks.

    Args:
        task: The record as it stands.
        now: The moment of deciding.

    Returns:
        `none` for a settled task, `stall` where only a person can help, otherwise a step with a
        moment that is never before `now`.
    """
    if task.next_step is Step.NONE:
        return Decision(Step.NONE, now)
    if task.next_step is Step.CREATE_CHILDREN:
        return Decision(Step.CREATE_CHILDREN, now)
    if task.status is Status.EXPIRED:
        return Decision(Step.STALL, now)
    if task.status is Status.STORING:
        return _decide_storing(task, now)
    if now >= task.deadline_at:
        return Decision(Step.STALL, now)
    at = task.next_at or now
    if task.submission is Submission.SENDING and task.sending_at is not None:
        at = task.sending_at + SENDING_LIMIT
    if task.is_in_submit_queue:
        at = wake_at(at)
    return Decision(task.next_step, min(max(at, now), task.deadline_at))


def is_being_sent(task: Task, now: datetime) -> bool:
    """Whether somebody may be at work on the creation, and will record what comes of it."""
    is_sending = task.status is Status.QUEUED and task.submission is Submission.SENDING
    return is_sending and task.sending_at is not None and now < task.sending_at + SENDING_LIMIT


def _decide_storing(task: Task, now: datetime) -> Decision:
    moments = (now, task.next_at or now, task.storing_until or now)
    return Decision(Step.STORE, max(moments))
