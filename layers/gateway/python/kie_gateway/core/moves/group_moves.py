"""Moves of a task that others belong to: they are created, or will never be."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime

from kie_gateway.core.credits.reservation import Fate
from kie_gateway.core.groups.child import Child, ChildState
from kie_gateway.core.moves.move import Move, NewRecord
from kie_gateway.core.sweep import START_GRACE
from kie_gateway.core.task import Status, Task
from kie_gateway.core.timeline import Entry, Happened


def with_care_of_children(task: Task) -> Task:
    """
    Make a task's children follow from what has just become of it; part of every move.

    Children of a task that came to nothing will never be created, and nothing stays set aside for
    them. Those that are due are looked after by the sweep, should whoever made the move die.
    """
    if not any(child.is_planned for child in task.children):
        return task
    if _is_hopeless(task):
        return replace(task, children=_with_state(task.children, ChildState.SKIPPED))
    if task.has_due_children and task.sweep_at is None and task.completed_at is not None:
        return replace(task, sweep_at=task.completed_at + START_GRACE)
    return task


def create_children(
    task: Task,
    records: Mapping[str, Sequence[NewRecord]],
    unneeded: Set[str],
    now: datetime,
) -> Move | None:
    """
    Create the children that are due.

    Args:
        records: By each child's id: its own, and those of its children that begin with it. What
            somebody else has created meanwhile is left out.
        unneeded: Ids of those that the task's own result has made superfluous.
    """
    due = [child.task_id for child in task.children if child.is_planned]
    created = records.keys() & due
    if not task.has_due_children or not (created or unneeded & set(due)):
        return None
    children = tuple(_after_creation(child, created, unneeded) for child in task.children)
    after = replace(task, children=children)
    if not after.has_due_children:
        after = replace(after, sweep_at=None)
    entries = [_entry(child, now) for child in children if child.task_id in due]
    creates = [record for task_id in due for record in records.get(task_id, ())]
    return Move(after, tuple(entries), tuple(creates))


def create_children_later(task: Task, now: datetime) -> Move | None:
    """Claim the creation of children that are due; whoever dies over it is followed by another."""
    if not task.has_due_children:
        return None
    return Move(replace(task, sweep_at=now + START_GRACE))


def skip_children(task: Task, why: str, now: datetime) -> Move | None:
    """Give up all children to come, by the caller's wish or because nobody knows them any more."""
    if not any(child.is_planned for child in task.children):
        return None
    after = replace(task, children=_with_state(task.children, ChildState.SKIPPED))
    if task.status.is_settled and task.deleted_at is None:
        after = replace(after, sweep_at=None)
    return Move(after, (Entry(Happened.CHILDREN_SKIPPED, now, why),))


def _is_hopeless(task: Task) -> bool:
    """Whether children to come will never be due; one that expired may succeed while it is paid."""
    if task.deleted_at is not None or task.status in (Status.FAILED, Status.CANCELED):
        return True
    is_given_up = task.reservation is None or task.reservation.fate is not Fate.OPEN
    return task.status is Status.EXPIRED and is_given_up


def _with_state(children: Sequence[Child], state: ChildState) -> tuple[Child, ...]:
    return tuple(replace(one, state=state) if one.is_planned else one for one in children)


def _after_creation(child: Child, created: Set[str], unneeded: Set[str]) -> Child:
    if not child.is_planned:
        return child
    if child.task_id in created:
        return replace(child, state=ChildState.CREATED)
    return replace(child, state=ChildState.UNNEEDED) if child.task_id in unneeded else child


def _entry(child: Child, now: datetime) -> Entry:
    facts = {"name": child.name, "task_id": child.task_id}
    if child.state is ChildState.UNNEEDED:
        words = (
            f"Child {child.name} is not needed: the task's own result includes what it would make."
        )
        return Entry(Happened.CHILD_UNNEEDED, now, words, {"name": child.name})
    return Entry(
        Happened.CHILD_CREATED, now, f"Created child {child.name}: {child.task_id}.", facts
    )
