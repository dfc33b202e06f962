"""Keep what Kie.ai said, word for word, so that it can be read again by a later version."""

import logging
from datetime import datetime

from kie_gateway.core.callback_token import callback_token
from kie_gateway.core.errors import StorageError
from kie_gateway.core.ports import Archive
from kie_gateway.core.task import Task

_log = logging.getLogger(__name__)


def keep_answer(
    task: Task, raw: bytes, *, archive: Archive, callback_secret: str, now: datetime
) -> None:
    """Keep an answer about a task; what it says is recorded even if it cannot be kept."""
    key = f"answers/{task.task_id}/{now:%Y%m%dT%H%M%S%fZ}.json"
    try:
        archive.put_raw(key, without_token(raw, task, callback_secret), "application/json")
    except StorageError as error:
        _log.warning("an answer about %s was not kept: %s", task.task_id, error.message)


def without_token(raw: bytes, task: Task, callback_secret: str) -> bytes:
    """Take the callback token out of a body: Kie.ai echoes the URL it was given."""
    return raw.replace(callback_token(task.task_id, callback_secret).encode(), b"[token]")
