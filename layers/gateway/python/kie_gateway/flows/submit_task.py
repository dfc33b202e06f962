"""Ask Kie.ai to create a task, at most once, and record exactly what is known afterwards."""

import random
from collections.abc import Callable
from datetime import datetime

from kie_gateway.core import moves
from kie_gateway.core.callback_token import callback_url
from kie_gateway.core.errors import (
    ProviderBusyError,
    ProviderRejectedError,
    ProviderUnreachableError,
    SubmissionUnknownError,
)
from kie_gateway.core.poll_policy import PollPolicy
from kie_gateway.core.ports import Accepted, Provider, TaskStore
from kie_gateway.core.report import Failed
from kie_gateway.core.schedule import after_refusal_at
from kie_gateway.core.task import Category, Failure, Submission, Task


def submit_task(
    task: Task,
    *,
    tasks: TaskStore,
    kie: Provider,
    policy: PollPolicy,
    callback_secret: str,
    now: Callable[[], datetime],
    spread: Callable[[], float] = random.random,
) -> Task:
    """
    Send the creation of a task whose record says `sending`, for us.

    Returns:
        The record afterwards: running, still queued (refused for now, or unknown), or failed.
    """
    url = callback_url(task.callback_base_url, task.task_id, callback_secret)
    try:
        accepted = kie.create(task.model, task.input, url)
    except (ProviderBusyError, ProviderUnreachableError) as error:
        return _refused_for_now(task, error, tasks=tasks, now=now(), spread=spread())
    except ProviderRejectedError as error:
        return _refused_for_good(task, error, tasks=tasks, now=now())
    except SubmissionUnknownError as error:
        return lose_submission(task, error.message, tasks=tasks, policy=policy, now=now())
    return _accepted(task, accepted, tasks=tasks, policy=policy, now=now())


def lose_submission(
    task: Task, words: str, *, tasks: TaskStore, policy: PollPolicy, now: datetime
) -> Task:
    """Record that nobody knows whether Kie.ai took the creation."""

    def decide(current: Task) -> moves.Move | None:
        next_at = policy.next_ask_at(current, now)
        return moves.lose_submission(current, words, next_at=next_at, now=now)

    return tasks.move(task, decide).task


def _accepted(
    task: Task, accepted: Accepted, *, tasks: TaskStore, policy: PollPolicy, now: datetime
) -> Task:
    def decide(current: Task) -> moves.Move | None:
        next_at = policy.next_ask_at(current, now)
        return moves.submitted(current, accepted.upstream_task_id, next_at=next_at, now=now)

    return tasks.move(task, decide).task


def _refused_for_now(
    task: Task,
    error: ProviderBusyError | ProviderUnreachableError,
    *,
    tasks: TaskStore,
    now: datetime,
    spread: float,
) -> Task:
    pause = error.retry_after_seconds if isinstance(error, ProviderBusyError) else None

    def decide(current: Task) -> moves.Move | None:
        next_at = after_refusal_at(
            current.submission_attempts, now=now, retry_after_seconds=pause, spread=spread
        )
        next_at = min(next_at, current.deadline_at)
        return moves.refuse(current, error.message, error.provider_code, next_at=next_at, now=now)

    return tasks.move(task, decide).task


def _refused_for_good(
    task: Task, error: ProviderRejectedError, *, tasks: TaskStore, now: datetime
) -> Task:
    failure = Failure(
        code=error.provider_code or "rejected",
        category=Category(error.category),
        message=error.message,
        retryable=error.category == Category.INSUFFICIENT_CREDITS,
    )

    def decide(current: Task) -> moves.Move | None:
        refused = Failed(state="", failure=failure)
        return moves.fail(current, refused, by=None, now=now, submission=Submission.WAITING)

    return tasks.move(task, decide).task
