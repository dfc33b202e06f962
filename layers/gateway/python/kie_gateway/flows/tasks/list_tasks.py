"""List an owner's tasks: all of them, those of a batch, or those that belong to another task."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched

from kie_gateway.core.groups.child import ChildState
from kie_gateway.core.ports.batches import Batches
from kie_gateway.core.ports.tasks import Page, TaskFilter, TaskStore

# Read together.
_PORTION = 25


@dataclass(frozen=True)
class TaskQuery:
    """
    What to list.

    Attributes:
        batch_id: Only tasks of this batch; None for those of any or none.
        parent_id: Only tasks that belong to this one, in the same way.
        after: Id of the last task of the page before; None for the first page.
    """

    owner: str
    which: TaskFilter
    limit: int
    newest_first: bool
    after: str | None = None
    batch_id: str | None = None
    parent_id: str | None = None


@dataclass(frozen=True)
class ListTasks:
    """Lists tasks; those of a whole are read by their ids, which follow from it."""

    tasks: TaskStore
    batches: Batches

    def __call__(self, query: TaskQuery) -> Page:
        """List one page."""
        if query.batch_id is None and query.parent_id is None:
            return self.tasks.list_tasks(
                query.owner,
                query.which,
                limit=query.limit,
                after=query.after,
                newest_first=query.newest_first,
            )
        ids = sorted(self._ids(query), reverse=query.newest_first)
        if query.after is not None:
            after = query.after
            ids = [one for one in ids if (one < after if query.newest_first else one > after)]
        return self._page(ids, query)

    def _ids(self, query: TaskQuery) -> Sequence[str]:
        ids: set[str] | None = None
        if query.batch_id is not None:
            batch = self.batches.get(query.owner, query.batch_id)
            ids = set(batch.task_ids()) if batch is not None else set()
        if query.parent_id is not None:
            children = set(self._children(query.owner, query.parent_id))
            ids = children if ids is None else ids & children
        return list(ids or ())

    def _children(self, owner: str, parent_id: str) -> Sequence[str]:
        parent = self.tasks.get(parent_id)
        if parent is None or parent.paying_owner != owner:
            return ()
        return [one.task_id for one in parent.children if one.state is ChildState.CREATED]

    def _page(self, ids: Sequence[str], query: TaskQuery) -> Page:
        found = []
        for some in batched(ids, _PORTION, strict=False):
            found += [
                task
                for task in self.tasks.get_many(some)
                if task.owner == query.owner and query.which.takes(task)
            ]
            if len(found) > query.limit:
                return Page(tuple(found[: query.limit]), found[query.limit - 1].task_id)
        return Page(tuple(found), None)
