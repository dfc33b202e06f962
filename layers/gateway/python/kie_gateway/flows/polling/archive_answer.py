"""Keep what Kie.ai said, word for word, so that it can be read again by a later version."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.files.bucket_keys import answer_key
from kie_gateway.core.ports.files import Archive
from kie_gateway.core.task import Task

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ArchiveAnswer:
    """Keeps answers in the archive, by task and time."""

    archive: Archive
    now: Callable[[], datetime]

    def __call__(self, task: Task, raw: bytes) -> None:
        """Keep an answer about a task; what it says is recorded even if it cannot be kept."""
        key = answer_key(task, self.now())
        try:
            self.archive.put_raw(key, raw, "application/json")
        except StorageError as error:
            _log.warning("an answer about %s was not archived: %s", task.task_id, error.message)
