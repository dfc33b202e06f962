"""Delete a task: its files, its input and what Kie.ai said; the ledger and the timeline stay."""

from collections.abc import Callable
from datetime import datetime

from kie_gateway.core import moves
from kie_gateway.core.ports import OutputStore, TaskStore
from kie_gateway.core.task import Task


def delete_task(
    task: Task, *, tasks: TaskStore, files: OutputStore, now: Callable[[], datetime]
) -> None:
    """
    Delete a task; one that is still open is canceled first.

    Files go before the record, so that whoever is interrupted finds the task and deletes it again.

    Raises:
        StorageError, RecordUnavailableError: Not all is gone; doing it again is right.
    """
    task = tasks.move(task, lambda current: moves.cancel(current, now())).task
    for folder in ("outputs", "previews", "thumbnails", "inputs"):
        files.delete_folder(f"{folder}/{task.owner}/{task.task_id}/")
    for folder in ("webhooks", "answers"):
        files.delete_folder(f"{folder}/{task.task_id}/")
    tasks.move(task, lambda current: moves.delete(current, now()))
