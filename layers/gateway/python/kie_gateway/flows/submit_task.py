"""Ask Kie.ai to create a task, at most once, and record exactly what is known afterwards."""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from kie_gateway.core import moves
from kie_gateway.core.callback_token import callback_url
from kie_gateway.core.errors import (
    OutOfTimeError,
    ProviderBusyError,
    ProviderError,
    ProviderRejectedError,
    ProviderUnreachableError,
    RecordUnavailableError,
    SubmissionUnknownError,
)
from kie_gateway.core.pace import CREDITS_PAUSE, Place
from kie_gateway.core.poll_policy import PollPolicy
from kie_gateway.core.ports import Accepted, Archive, Line, Provider, TaskStore
from kie_gateway.core.report import Failed
from kie_gateway.core.schedule import after_refusal_at
from kie_gateway.core.task import Category, Failure, Submission, Task
from kie_gateway.flows.hide_token import hide_token, hide_token_in_report
from kie_gateway.flows.keep_answer import keep_answer

_log = logging.getLogger(__name__)

# Kie.ai has had more creations than it takes in ten seconds.
TOO_MANY = frozenset({"429", "430"})


def submit_task(
    task: Task,
    *,
    tasks: TaskStore,
    kie: Provider,
    archive: Archive,
    policy: PollPolicy,
    callback_secret: str,
    now: Callable[[], datetime],
    line: Line,
    spread: Callable[[], float] = random.random,
    prepare: Callable[[Task], Mapping[str, Any]] = lambda task: task.input,
) -> Task:
    """
    Send the creation of a task whose record says `sending`, for us.

    Args:
        line: Hears of refusals, and gives places.
        prepare: Makes of a task's input what Kie.ai can use; may raise ProviderError, as nothing
            is created by then.

    Returns:
        The record afterwards: running, still queued (refused for now, or unknown), failed, or
        storing if the answer holds the result already.
    """
    try:
        accepted = _create(task, kie, callback_secret, prepare)
    except (ProviderBusyError, ProviderUnreachableError) as error:
        place = _place(task, error, line)
        return refused_for_now(task, error, tasks=tasks, now=now(), spread=spread(), place=place)
    except ProviderRejectedError as error:
        if error.category == Category.INSUFFICIENT_CREDITS:
            return _out_of_credits(task, error, tasks=tasks, now=now(), line=line)
        return _refused_for_good(task, error, tasks=tasks, now=now())
    except SubmissionUnknownError as error:
        return lose_submission(task, error.message, tasks=tasks, policy=policy, now=now())
    if accepted.at_once is not None:
        keep_answer(task, accepted.raw, archive=archive, callback_secret=callback_secret, now=now())
    return _accepted(task, accepted, tasks=tasks, policy=policy, now=now())


def _create(
    task: Task,
    kie: Provider,
    callback_secret: str,
    prepare: Callable[[Task], Mapping[str, Any]],
) -> Accepted:
    url = callback_url(task.callback_base_url, task.task_id, callback_secret)
    try:
        accepted = kie.create(task.model, prepare(task), url)
    except ProviderError as error:
        error.message = hide_token(error.message, task, callback_secret)
        raise
    if accepted.at_once is None:
        return accepted
    verdict = hide_token_in_report(accepted.at_once, task, callback_secret)
    return replace(accepted, at_once=verdict)


def keep_sending(task: Task, *, tasks: TaskStore, now: datetime) -> None:
    """
    Renew the right to send a creation whose inputs are still on their way to Kie.ai.

    Raises:
        ProviderUnreachableError: It is gone, since the task was canceled, say.
    """
    if not tasks.move(task, lambda current: moves.keep_sending(current, now)).changed:
        raise ProviderUnreachableError("it is no longer to be sent")


def _place(
    task: Task, error: ProviderBusyError | ProviderUnreachableError, line: Line
) -> Place | None:
    """Take a place in the line if Kie.ai has had too many; None for every other trouble."""
    if not isinstance(error, ProviderBusyError) or error.provider_code not in TOO_MANY:
        return None
    return _place_after(lambda: line.refuse(error.retry_after_seconds), task, line)


def _place_after(tell: Callable[[], None], task: Task, line: Line) -> Place | None:
    """Tell the line of a refusal and take a place in it; None if it does not answer."""
    try:
        tell()
        return line.join(task.owner)
    except RecordUnavailableError as trouble:
        # The refusal itself is worth recording; without a place it is sent again by the clock.
        _log.warning("no place in the line for %s: %s", task.task_id, trouble)
        return None


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
    upstream_task_id, verdict = accepted.upstream_task_id, accepted.at_once

    def decide(current: Task) -> moves.Move | None:
        if verdict is not None:
            return moves.answered_at_once(current, upstream_task_id, verdict, now=now)
        if upstream_task_id is None:
            return None
        next_at = policy.next_ask_at(current, now)
        return moves.submitted(current, upstream_task_id, next_at=next_at, now=now)

    return tasks.move(task, decide).task


def refused_for_now(
    task: Task,
    error: ProviderBusyError | ProviderUnreachableError,
    *,
    tasks: TaskStore,
    now: datetime,
    spread: float = 0.0,
    place: Place | None = None,
) -> Task:
    """Record that the creation was surely not taken, and when it is sent again."""
    pause = error.retry_after_seconds if isinstance(error, ProviderBusyError) else None
    if place is not None:
        return _stay_queued(task, error, lambda _: place.at, tasks=tasks, now=now, turn=place.turn)

    def next_at(current: Task) -> datetime:
        if isinstance(error, OutOfTimeError):
            # The watch has more time, and none is to be lost.
            return now
        attempts = current.submission_attempts
        return after_refusal_at(attempts, now=now, retry_after_seconds=pause, spread=spread)

    return _stay_queued(task, error, next_at, tasks=tasks, now=now)


def _out_of_credits(
    task: Task, error: ProviderRejectedError, *, tasks: TaskStore, now: datetime, line: Line
) -> Task:
    """Wait for somebody to top up the account, all tasks together: it is not this one's fault."""
    _log.error("Kie.ai's account is out of credits: %s", error.message)
    place = _place_after(line.hold, task, line)
    at, turn = (place.at, place.turn) if place is not None else (now + CREDITS_PAUSE, None)
    return _stay_queued(task, error, lambda _: at, tasks=tasks, now=now, turn=turn)


def _stay_queued(
    task: Task,
    error: ProviderError,
    next_at: Callable[[Task], datetime],
    *,
    tasks: TaskStore,
    now: datetime,
    turn: int | None = None,
) -> Task:
    def decide(current: Task) -> moves.Move | None:
        return moves.refuse(
            current,
            error.message,
            error.provider_code,
            next_at=min(next_at(current), current.deadline_at),
            now=now,
            turn=turn,
        )

    return tasks.move(task, decide).task


def _refused_for_good(
    task: Task, error: ProviderRejectedError, *, tasks: TaskStore, now: datetime
) -> Task:
    failure = Failure(
        code=error.provider_code or "rejected",
        category=Category(error.category),
        message=error.message,
        retryable=False,
    )

    def decide(current: Task) -> moves.Move | None:
        refused = Failed(state="", failure=failure)
        return moves.fail(current, refused, by=None, now=now, submission=Submission.WAITING)

    return tasks.move(task, decide).task
