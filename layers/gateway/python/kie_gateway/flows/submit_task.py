"""Ask Kie.ai to create a task, at most once, and record exactly what is known afterwards."""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from kie_gateway.core import moves
from kie_gateway.core.callback_token import callback_url
from kie_gateway.core.errors import (
    BackendUnavailableError,
    OutOfTimeError,
    ProviderBusyError,
    ProviderError,
    ProviderNoCreditsError,
    ProviderRejectedError,
    ProviderUnreachableError,
    SubmissionUnknownError,
)
from kie_gateway.core.poll_policy import PollPolicy
from kie_gateway.core.ports import Accepted, Archive, Provider, SubmitQueue, TaskStore
from kie_gateway.core.report import Failed
from kie_gateway.core.schedule import after_refusal_at, after_want_of_credits_at
from kie_gateway.core.submit_queue import Ticket
from kie_gateway.core.task import Category, Failure, Submission, Task
from kie_gateway.flows.hide_token import hide_token, hide_token_in_report
from kie_gateway.flows.keep_answer import keep_answer

_log = logging.getLogger(__name__)

# Kie.ai has had more creations than it takes in ten seconds.
TOO_MANY = frozenset({"429", "430"})
# Of those in the queue, when it matters whether one of them is cheaper.
_LOOKED_AT = 20


def submit_task(
    task: Task,
    *,
    tasks: TaskStore,
    kie: Provider,
    archive: Archive,
    policy: PollPolicy,
    callback_secret: str,
    now: Callable[[], datetime],
    submit_queue: SubmitQueue,
    spread: Callable[[], float] = random.random,
    prepare: Callable[[Task], Mapping[str, Any]] = lambda task: task.input,
    balance: Callable[[], Decimal | None] = lambda: None,
) -> Task:
    """
    Send the creation of a task whose record says `sending`, for us.

    Args:
        submit_queue: Hears of refusals, and gives tickets.
        prepare: Makes of a task's input what Kie.ai can use; may raise ProviderError, as nothing
            is created by then.
        balance: Asks what is left of the account at Kie.ai, None if it does not say.

    Returns:
        The record afterwards: running, still queued (refused for now, or unknown), failed, or
        storing if the answer holds the result already.
    """
    try:
        accepted = _create(task, kie, callback_secret, prepare)
    except (ProviderBusyError, ProviderUnreachableError) as error:
        ticket = _ticket(task, error, submit_queue)
        return refused_for_now(task, error, tasks=tasks, now=now(), spread=spread(), ticket=ticket)
    except ProviderNoCreditsError as error:
        funds = balance()
        return _out_of_credits(
            task, error, funds, tasks=tasks, now=now(), submit_queue=submit_queue
        )
    except ProviderRejectedError as error:
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


def _ticket(
    task: Task, error: ProviderBusyError | ProviderUnreachableError, submit_queue: SubmitQueue
) -> Ticket | None:
    """Take a ticket in the queue if Kie.ai has had too many; None for every other trouble."""
    if not isinstance(error, ProviderBusyError) or error.provider_code not in TOO_MANY:
        return None

    def tell() -> bool:
        state = submit_queue.state()
        if state is not None and state.covers(task.price):
            # The queue waits for credits, of which this one needs no more than there are.
            return False
        submit_queue.report_refusal(error.retry_after_seconds)
        return True

    return _ticket_after(tell, task, submit_queue)


def _ticket_after(tell: Callable[[], bool], task: Task, submit_queue: SubmitQueue) -> Ticket | None:
    """Tell the queue of a refusal and take a ticket in it; None if it has none, or is not there."""
    try:
        return submit_queue.enqueue(task.owner) if tell() else None
    except BackendUnavailableError as trouble:
        # The refusal itself is worth recording; without a ticket it is sent again by the clock.
        _log.warning("no ticket in the queue for %s: %s", task.task_id, trouble)
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
    ticket: Ticket | None = None,
) -> Task:
    """Record that the creation was surely not taken, and when it is sent again."""
    pause = error.retry_after_seconds if isinstance(error, ProviderBusyError) else None
    if ticket is not None:
        return _stay_queued(
            task, error, lambda _: ticket.at, tasks=tasks, now=now, turn=ticket.turn
        )

    def next_at(current: Task) -> datetime:
        if isinstance(error, OutOfTimeError):
            # The watch has more time, and none is to be lost.
            return now
        attempts = current.submission_attempts
        return after_refusal_at(attempts, now=now, retry_after_seconds=pause, spread=spread)

    return _stay_queued(task, error, next_at, tasks=tasks, now=now)


def _out_of_credits(
    task: Task,
    error: ProviderNoCreditsError,
    funds: Decimal | None,
    *,
    tasks: TaskStore,
    now: datetime,
    submit_queue: SubmitQueue,
) -> Task:
    """
    Wait for somebody to top up the account; others wait, too, only if nothing is left for them.

    Args:
        funds: What is left of the account, None if that is not known.
    """
    _log.error("Kie.ai refuses for want of credits: %s (its balance: %s)", error.message, funds)

    def tell() -> bool:
        if funds is None or _is_left_for_others(task, funds, tasks, submit_queue):
            return False
        submit_queue.pause_for_credits(funds)
        return True

    ticket = _ticket_after(tell, task, submit_queue)
    if ticket is not None:
        return _stay_queued(
            task, error, lambda _: ticket.at, tasks=tasks, now=now, turn=ticket.turn
        )
    is_short = funds is None or task.price is None or funds < task.price
    return _stay_queued(
        task,
        error,
        lambda current: after_want_of_credits_at(current.submission_attempts, now),
        tasks=tasks,
        now=now,
        # The index of those who wait wants a turn; in the queue it gets another.
        turn=0 if is_short else None,
        short_of_credits=is_short,
    )


def _is_left_for_others(
    task: Task, funds: Decimal, tasks: TaskStore, submit_queue: SubmitQueue
) -> bool:
    """Whether what is left would do for the task itself, or for somebody in submit_queue."""
    if funds <= 0:
        return False
    if task.price is None or task.price <= funds:
        return True
    others = (tasks.get(task_id) for task_id in submit_queue.front()[:_LOOKED_AT])
    return any(
        other is not None
        and other.is_in_submit_queue
        and other.task_id != task.task_id
        and (other.price is None or other.price <= funds)
        for other in others
    )


def _stay_queued(
    task: Task,
    error: ProviderError,
    next_at: Callable[[Task], datetime],
    *,
    tasks: TaskStore,
    now: datetime,
    turn: int | None = None,
    short_of_credits: bool = False,
) -> Task:
    def decide(current: Task) -> moves.Move | None:
        return moves.refuse(
            current,
            error.message,
            error.provider_code,
            next_at=min(next_at(current), current.deadline_at),
            now=now,
            turn=turn,
            short_of_credits=short_of_credits,
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
