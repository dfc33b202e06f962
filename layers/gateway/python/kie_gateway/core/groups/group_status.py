"""What has become of a group: a task and everything that follows from it."""

from collections.abc import Mapping
from enum import StrEnum

from kie_gateway.core.groups.child import Child, ChildState
from kie_gateway.core.task import Status, Task


class GroupStatus(StrEnum):
    """Where a group stands, in the words of the HTTP API."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"


def group_status(task: Task, tasks: Mapping[str, Task]) -> GroupStatus:
    """
    Judge a group.

    It has succeeded if the task and every child has, with all that follows from them; it is
    `partial` if only optional ones have not. What runs is awaited before anything is judged.

    Args:
        tasks: Its descendants by id, as far as they are created.
    """
    if not task.status.is_settled:
        return GroupStatus.RUNNING
    outcomes = [(child.required, _outcome(child, task, tasks)) for child in task.children]
    statuses = [outcome for _, outcome in outcomes]
    if GroupStatus.RUNNING in statuses:
        return GroupStatus.RUNNING
    is_lost = any(required and one is GroupStatus.FAILED for required, one in outcomes)
    if task.status is not Status.SUCCEEDED or is_lost:
        return GroupStatus.FAILED
    is_whole = all(one is GroupStatus.SUCCEEDED for one in statuses)
    return GroupStatus.SUCCEEDED if is_whole else GroupStatus.PARTIAL


def _outcome(child: Child, parent: Task, tasks: Mapping[str, Task]) -> GroupStatus:
    match child.state:
        case ChildState.PLANNED if parent.status is Status.SUCCEEDED:
            return GroupStatus.RUNNING
        case ChildState.UNNEEDED:
            return GroupStatus.SUCCEEDED
        case ChildState.CREATED if child.task_id in tasks:
            return group_status(tasks[child.task_id], tasks)
        case _:
            return GroupStatus.FAILED
