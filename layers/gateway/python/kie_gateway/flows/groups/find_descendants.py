"""Read everything that belongs to some tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kie_gateway.core.groups.child import with_descendants
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Task


@dataclass(frozen=True)
class FindDescendants:
    """Reads groups: their ids follow from their parents', so that one read finds them all."""

    tasks: TaskStore

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
