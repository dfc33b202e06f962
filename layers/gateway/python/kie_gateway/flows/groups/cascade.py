"""Do something with a task and everything that belongs to it, from the top down."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kie_gateway.core.groups.child import ChildState
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Task


@dataclass(frozen=True)
class Cascade:
    """
    Goes through groups.

    A task comes before its children, and what is done to it keeps it from getting any more.
    """

    tasks: TaskStore

    def __call__(self, task: Task, act: Callable[[Task], Task]) -> Iterator[Task]:
        """
        Act on a task, then on those that belong to it.

        Args:
            act: Returns the record afterwards.

        Returns:
            The records afterwards, the task's own first.
        """
        after = act(task)
        yield after
        created = [one.task_id for one in after.children if one.state is ChildState.CREATED]
        for child in self.tasks.get_many(created) if created else ():
            yield from self(child, act)
