"""Keep what Kie.ai said, word for word, so that it can be read again by a later version."""

import logging
from datetime import datetime

from kie_gateway.core.errors import StorageError
from kie_gateway.core.ports import Archive
from kie_gateway.core.task import Task
from kie_gateway.flows.hide_token import without_secrets

_log = logging.getLogger(__name__)


def keep_answer(
    task: Task, raw: bytes, *, archive: Archive, callback_secret: str, now: datetime
) -> None:
    """Keep an answer about a task; what it says is recorded even if it cannot be kept."""
    key = f"answers/{task.task_id}/{now:%Y%m%dT%H%M%S%fZ}.json"
    try:
        archive.put_raw(key, without_secrets(raw, task, callback_secret), "application/json")
    except StorageError as error:
        _log.warning("an answer about %s was not kept: %s", task.task_id, error.message)
