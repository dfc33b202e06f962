"""Where everything lies in the bucket that belongs to one task, and goes with it."""

from kie_gateway.core.task import Task

# Below each of them: the owner, then the task.
_OF_OWNERS = ("outputs", "previews", "thumbnails", "inputs")
# Below each of them: the task.
_RAW = ("webhooks", "answers")


def folders_of(task: Task) -> tuple[str, ...]:
    """
    Name the folders of a task, deleted or not, each with a slash at its end.

    What was uploaded (`uploads/`) is the owner's, and may be the input of other tasks.
    """
    return (
        *(f"{folder}/{task.paying_owner}/{task.task_id}/" for folder in _OF_OWNERS),
        *(f"{folder}/{task.task_id}/" for folder in _RAW),
    )
