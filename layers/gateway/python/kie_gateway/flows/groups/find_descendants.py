"""Read everything that belongs to some tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kie_gateway.core.groups.child import with_descendants
from kie_gateway.core.task import Task


class TaskReads(Protocol):
    """The record of every task, as far as it is read here."""

    def get_many(self, task_ids: Sequence[str]) -> Sequence[Task]:
        """Read some tasks; those that do not exist are left out."""


@dataclass(frozen=True)
class FindDescendants:
    """Reads groups: their ids follow from their parents', so that one read finds them all."""

    tasks: TaskReads

    def __call__(self, tasks: Sequence[Task]) -> Mapping[str, Task]:
        """
        Read the descendants of some tasks.

        Returns:
            Those that are created, by id; deleted ones, too.
        """
        ids = {child.task_id: None for task in tasks for child in with_descendants(task.children)}
        if not ids:
            return {}
        return {task.task_id: task for task in self.tasks.get_many(list(ids))}
