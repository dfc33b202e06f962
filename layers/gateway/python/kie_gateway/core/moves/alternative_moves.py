"""Moves of a task whose model came to nothing while another one may still deliver."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from kie_gateway.core.alternatives import Alternative, Attempt, AttemptStatus, retired_attempt
from kie_gateway.core.failure import Category
from kie_gateway.core.moves.move import Move
from kie_gateway.core.polling.report import Failed
from kie_gateway.core.task import Status, Submission, Task
from kie_gateway.core.timeline import Entry, Happened

# Another model would be asked for the very same.
_OF_INPUT = (Category.INPUT, Category.CONTENT_POLICY)


def fall_back(task: Task, failed: Failed, now: datetime) -> Move | None:
    """
    Try the next model instead of failing; None if there is none, or it may not be tried.

    Args:
        task: `waiting` if Kie.ai surely refused the creation, `accepted` if it failed afterwards.
    """
    if not _may_fall_back(task, failed, now):
        return None
    over = attempt_over(task, failed, now)
    attempts, chosen, rest = next_model((*task.attempts, over), task, now)
    if chosen is None:
        return None
    after = replace(
        trying(task, chosen),
        alternatives=rest,
        attempts=attempts,
        status=Status.QUEUED,
        submission=Submission.WAITING,
        submission_attempts=0,
        sending_at=None,
        upstream_task_id=None,
        upstream_state=None,
        upstream_code=None,
        upstream_message=None,
        upstream_facts={},
        upstream_completed_at=None,
        submitted_at=None,
        sources=(),
        missing=(),
        attention=None,
        next_at=now,
        polls=0,
        store_attempts=0,
        copy_until=None,
        submit_turn=None,
        short_of_credits=False,
    )
    models = [one.tried.model for one in attempts] + [chosen.model]
    entries = tuple(
        fell_back_entry(attempts[number], models[number + 1], number + 2, now)
        for number in range(len(task.attempts), len(attempts))
    )
    return Move(after, entries)


def trying(task: Task, chosen: Alternative) -> Task:
    """Return a task with another model in the place of its own."""
    reservation = task.reservation
    if reservation is not None:
        reservation = replace(reservation, expected=chosen.price)
    return replace(
        task,
        model=chosen.model,
        family=chosen.family,
        kind=chosen.kind,
        input=chosen.input,
        input_bytes=chosen.input_bytes,
        input_file=chosen.input_file,
        credits_estimated=chosen.credits_estimated,
        expected_seconds=chosen.expected_seconds,
        reservation=reservation,
    )


def at_work(task: Task) -> Alternative:
    """Return the model that a task is tried with now."""
    return Alternative(
        model=task.model,
        family=task.family,
        kind=task.kind,
        input=task.input,
        price=task.price or Decimal(0),
        credits_estimated=task.credits_estimated,
        input_bytes=task.input_bytes,
        input_file=task.input_file,
        expected_seconds=task.expected_seconds,
    )


def attempt_over(task: Task, failed: Failed, now: datetime) -> Attempt:
    """Return the attempt at hand as one that came to nothing."""
    is_refused = task.submission is Submission.WAITING
    return Attempt(
        tried=at_work(task),
        status=AttemptStatus.REFUSED if is_refused else AttemptStatus.FAILED,
        error=failed.failure,
        ended_at=now,
        upstream_task_id=task.upstream_task_id,
        submitted_at=task.submitted_at,
    )


def next_model(
    attempts: Sequence[Attempt], task: Task, now: datetime
) -> tuple[tuple[Attempt, ...], Alternative | None, tuple[Alternative, ...]]:
    """
    Choose the model to try next: the first that Kie.ai offers, and that fits `max_credits`.

    Args:
        attempts: Those that came to nothing so far.

    Returns:
        These with those passed over as retired; the model, None if there is none; the rest.
    """
    over, spent = list(attempts), sum((one.credits for one in attempts), Decimal(0))
    for index, candidate in enumerate(task.alternatives):
        if candidate.is_retired:
            over.append(retired_attempt(candidate, now))
        elif task.max_credits is None or spent + candidate.price <= task.max_credits:
            return tuple(over), candidate, task.alternatives[index + 1 :]
    return tuple(over), None, ()


def fell_back_entry(over: Attempt, chosen: str, number: int, now: datetime) -> Entry:
    """
    Return the timeline entry of a model that takes the place of another.

    Args:
        chosen: Model of the attempt that begins.
        number: Its number, from 1 on.
    """
    model, failure = over.tried.model, over.error
    return Entry(
        Happened.FELL_BACK,
        now,
        f"{model} {over.status.value}: {failure.message.rstrip('.')}. {chosen} is tried instead.",
        {
            "from": model,
            "to": chosen,
            "code": failure.code,
            "category": failure.category.value,
            "upstream_task_id": over.upstream_task_id,
            "attempt": number,
        },
    )


def of_attempt(task: Task, decide: Callable[[Task], Move | None]) -> Callable[[Task], Move | None]:
    """
    Let a decision hold for the attempt that it is about, and for no later one.

    What is heard of a model must not be taken for word of the one that has taken its place since.

    Args:
        task: As it stood when Kie.ai was asked, or told of it.
    """

    def decide_if_same(current: Task) -> Move | None:
        return decide(current) if is_same_attempt(task, current) else None

    return decide_if_same


def is_same_attempt(before: Task, after: Task) -> bool:
    """Whether no other model has taken over between two states of a task."""
    return len(before.attempts) == len(after.attempts)


def _may_fall_back(task: Task, failed: Failed, now: datetime) -> bool:
    """Whether it is certain that Kie.ai makes nothing, for a reason that is not the input."""
    is_refused = task.submission is Submission.WAITING and task.upstream_task_id is None
    is_certain = is_refused or task.submission is Submission.ACCEPTED
    is_open = task.status in (Status.QUEUED, Status.RUNNING) and now < task.deadline_at
    is_of_input = failed.failure.category in _OF_INPUT and not failed.blames_model
    return bool(task.alternatives) and is_certain and is_open and not is_of_input
