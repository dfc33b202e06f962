"""Keep large inputs beside the record, and read them where the whole input is needed."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.files.bucket_keys import input_key
from kie_gateway.core.inputs.task_input import with_excerpt, with_input
from kie_gateway.core.ports.files import Archive
from kie_gateway.core.task import Task

_log = logging.getLogger(__name__)


class InputArchive(Archive, Protocol):
    """Where inputs are kept; every call raises StorageError when it fails."""

    def get_raw(self, key: str) -> bytes:
        """Read a body."""

    def delete(self, keys: Sequence[str]) -> None:
        """Remove bodies."""


@dataclass(frozen=True)
class LargeInputs:
    """The inputs of tasks."""

    archive: InputArchive

    def keep(self, task: Task) -> Task:
        """
        Keep a new task's input beside its record if it is large; before it is recorded.

        Returns:
            The task with what its record holds of the input.

        Raises:
            StorageError: Nothing was kept.
        """
        kept = with_excerpt(task)
        if kept.input_bytes is not None:
            body = json.dumps(task.input, ensure_ascii=False).encode()
            self.archive.put_raw(input_key(task), body, "application/json")
        return kept

    def drop(self, task: Task) -> None:
        """Remove the input of a task that was not recorded after all."""
        if task.input_bytes is None:
            return
        try:
            self.archive.delete([input_key(task)])
        except StorageError as error:
            _log.warning("an input of %s was not removed: %s", task.task_id, error.message)

    def whole(self, task: Task) -> Task:
        """
        Read the whole input of a task.

        Raises:
            StorageError: It cannot be read now, or is not kept any more.
        """
        if task.input_bytes is None:
            return task
        return with_input(task, json.loads(self.archive.get_raw(input_key(task))))

    def whole_if_there(self, task: Task) -> Task:
        """Read the whole input for somebody to look at; an excerpt is better than no answer."""
        try:
            return self.whole(task)
        except StorageError as error:
            _log.warning(
                "only an excerpt of the input of %s can be read: %s", task.task_id, error.message
            )
            return task
