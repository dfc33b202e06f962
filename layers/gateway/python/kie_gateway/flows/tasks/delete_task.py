"""Delete a task: input, files, events and what Kie.ai said; the ledger and the timeline stay."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.files.bucket_keys import folders_of
from kie_gateway.core.moves import ending_moves, group_moves
from kie_gateway.core.moves.move import Move
from kie_gateway.core.ports.files import OutputStore
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.task import Task
from kie_gateway.flows.groups.cascade import Cascade

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeleteTask:
    """
    Deletes tasks; one that is still open is canceled by the same move.

    The record goes first: from then on nobody finds the task, and nobody writes for it who has not
    read it before. Then what is kept of its events and its files go, and once more by the sweep
    when everybody who may still have been at work on it has ended
    (`flows/watching/sweep_tasks.py`). So what cannot be removed now, or comes afterwards, is no
    trouble of the caller's.
    """

    tasks: TaskStore
    files: OutputStore
    cascade: Cascade
    now: Callable[[], datetime]

    def __call__(self, task: Task, *, cascade: bool = False) -> None:
        """
        Delete a task.

        Args:
            cascade: Whether to delete everything that belongs to it, too.

        Raises:
            BackendUnavailableError: Not all is deleted; deleting again is right.
        """
        if not cascade:
            self._delete(task)
            return
        # From the bottom up, as nobody finds what belongs to a task that is gone.
        group = list(self.cascade(task, lambda one: self.tasks.move(one, self._skip).task))
        for one in reversed(group):
            self._delete(one)

    def _skip(self, task: Task) -> Move | None:
        words = "Deleted by the caller; no further child is created."
        return group_moves.skip_children(task, words, self.now())

    def _delete(self, task: Task) -> None:
        deleted = self.tasks.move(task, self._decide).task
        try:
            self.tasks.delete_events(deleted.task_id)
        except BackendUnavailableError as error:
            _log.warning("events of a deleted task are removed later: %s", error)
        for folder in folders_of(deleted):
            try:
                self.files.delete_folder(folder)
            except StorageError as error:
                _log.warning("%s of a deleted task is removed later: %s", folder, error.message)

    def _decide(self, task: Task) -> Move | None:
        now = self.now()
        canceled = ending_moves.cancel(task, now)
        entries = canceled.entries if canceled is not None else ()
        deleted = ending_moves.delete(canceled.task if canceled is not None else task, now)
        if deleted is None:
            return None
        return Move(deleted.task, (*entries, *deleted.entries))
