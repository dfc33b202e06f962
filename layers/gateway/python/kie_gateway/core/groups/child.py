"""
A task that belongs to another one, as the record of its parent tells of it.

A child that is to begin later has no record yet: its parent's holds its place and the credits that
are set aside for it, and its wish lies beside the record (`flows/groups/plans.py`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Start(StrEnum):
    """When a child is created, in the words of the HTTP API."""

    WITH = "with"
    THEN = "then"


class ChildState(StrEnum):
    """
    How far a child has come.

    `skipped` is what its parent came to nothing before; `unneeded` is what the parent's own result
    has made superfluous, such as a cover for a track that came with one.
    """

    PLANNED = "planned"
    CREATED = "created"
    SKIPPED = "skipped"
    UNNEEDED = "unneeded"


@dataclass(frozen=True)
class Child:
    """
    A child of a task.

    Attributes:
        name: Among its siblings.
        task_id: That it has, or will have once it is created.
        required: Whether the group fails with it.
        credits: Set aside for it alone, until its own record holds them.
        children: What is planned to follow it, each in the same way.
    """

    name: str
    task_id: str
    starts: Start
    required: bool
    state: ChildState
    credits: Decimal = Decimal(0)
    children: tuple["Child", ...] = ()

    @property
    def is_planned(self) -> bool:
        """Whether it may still be created."""
        return self.state is ChildState.PLANNED


def with_descendants(children: Iterable[Child]) -> Iterator[Child]:
    """List children, each followed by its own."""
    for child in children:
        yield child
        yield from with_descendants(child.children)


def planned(children: Iterable[Child]) -> list[Child]:
    """List what may still be created, with what would follow it."""
    return list(with_descendants(child for child in children if child.is_planned))


def planned_credits(children: Iterable[Child]) -> Decimal:
    """Add up what is set aside for what may still be created."""
    return sum((child.credits for child in planned(children)), Decimal(0))
