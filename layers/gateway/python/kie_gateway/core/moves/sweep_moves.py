"""Moves of a task that somebody looks at because nobody else may."""

from dataclasses import replace
from datetime import datetime

from kie_gateway.core.moves import storing_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.sweep import (
    START_GRACE,
    follow_entry,
    followed_anew,
    looked_at,
    next_look_at,
)
from kie_gateway.core.task import Task


def vouch(task: Task) -> Move | None:
    """
    Record that a caller knows of a new task, so that it can no longer be withdrawn.

    Nothing changes but the version, which whoever created it takes the task back by.
    """
    return Move(task) if task.version == 1 else None


def follow_anew(task: Task, now: datetime) -> Move | None:
    """Count a further execution for an open task that none follows any more."""
    if task.status.is_settled:
        return None
    after = looked_at(followed_anew(task, now), now + START_GRACE)
    return Move(after, (follow_entry(after, now),))


def look_later(task: Task, now: datetime) -> Move | None:
    """Leave an open task to the execution that follows it."""
    if task.status.is_settled:
        return None
    return Move(looked_at(task, next_look_at(task, now)))


def try_storing_again(task: Task, now: datetime) -> Move | None:
    """Copy now what could not be copied; if that was given up, under another execution."""
    move = storing_moves.try_storing_again(task, now)
    if move is None or not task.status.is_settled:
        return move
    after = followed_anew(move.task, now)
    return Move(after, (*move.entries, follow_entry(after, now)))


def clean_later(task: Task, now: datetime) -> Move | None:
    """Claim the removal of a deleted task's files; whoever dies over it is followed by another."""
    if task.deleted_at is None or task.sweep_at is None:
        return None
    return Move(replace(task, sweep_at=now + START_GRACE))


def cleaned(task: Task) -> Move | None:
    """Record that nothing of a deleted task can come back any more."""
    if task.deleted_at is None or task.sweep_at is None:
        return None
    return Move(replace(task, sweep_at=None))
