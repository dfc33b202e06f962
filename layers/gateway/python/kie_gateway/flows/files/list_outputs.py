"""List an owner's files across tasks, newest task first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.ports.tasks import TaskFilter, TaskStore
from kie_gateway.core.results import Output
from kie_gateway.core.task import Status, Task

_TASKS_AT_ONCE = 50
# A rare kind of file is looked for in a bounded stretch at a time.
_MOST_READS = 6
_LAST = 9999


@dataclass(frozen=True)
class Place:
    """A place in the list: behind an output of a task."""

    task_id: str
    index: int


@dataclass(frozen=True)
class OutputPage:
    """Files with their tasks; `next_after` is where to go on, None at the end."""

    files: tuple[tuple[Task, Output], ...]
    next_after: Place | None


@dataclass(frozen=True)
class OutputQuery:
    """
    Which files to list.

    Attributes:
        media: Of this kind only; None for all.
        after: Go on behind this one; the task it belongs to may have been deleted since.
    """

    owner: str
    limit: int
    media: str | None = None
    after: Place | None = None


@dataclass(frozen=True)
class ListOutputs:
    """Lists files that are still there."""

    tasks: TaskStore
    now: Callable[[], datetime]

    def __call__(self, query: OutputQuery) -> OutputPage:
        """Return a page that may be short, even empty, and still have a `next_after`."""
        now, after, limit = self.now(), query.after, query.limit
        found: list[tuple[Task, Output]] = []
        if after is not None:
            task = self.tasks.get(after.task_id)
            if task is not None and task.owner == query.owner:
                found += _files(task, query.media, now, behind=after.index)
        reached = after.task_id if after is not None else None
        for _ in range(_MOST_READS):
            if len(found) > limit:
                break
            page = self.tasks.list_tasks(
                query.owner,
                TaskFilter(status=Status.SUCCEEDED.value),
                limit=_TASKS_AT_ONCE,
                after=reached,
                newest_first=True,
            )
            for task in page.tasks:
                found += _files(task, query.media, now)
            reached = page.next_after
            if reached is None:
                break
        if len(found) > limit:
            task, output = found[limit - 1]
            return OutputPage(tuple(found[:limit]), Place(task.task_id, output.index))
        # Behind the last output of the task that was reached.
        return OutputPage(tuple(found), Place(reached, _LAST) if reached is not None else None)


def _files(
    task: Task, media: str | None, now: datetime, behind: int = -1
) -> list[tuple[Task, Output]]:
    if task.has_lost_its_files(now):
        return []
    return [
        (task, output)
        for output in task.outputs
        if output.index > behind and media in (None, output.media)
    ]
