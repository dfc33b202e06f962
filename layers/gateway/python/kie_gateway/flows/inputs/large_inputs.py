"""Keep large inputs beside the record, and read them where the whole input is needed."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from kie_gateway.core.alternatives import Alternative
from kie_gateway.core.errors.storage_errors import StorageError
from kie_gateway.core.files.bucket_keys import input_key
from kie_gateway.core.inputs.task_input import with_excerpt, with_input
from kie_gateway.core.moves.alternative_moves import at_work
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
        Keep a new task's inputs beside its record where they are large; before it is recorded.

        Returns:
            The task with what its record holds of its input and those of its alternatives.

        Raises:
            StorageError: The task cannot be recorded; what was kept of it is removed.
        """
        files = list[Mapping[str, Any]]()
        try:
            own = self._kept(task, at_work(task), files)
            return replace(
                task,
                input=own.input,
                input_bytes=own.input_bytes,
                input_file=own.input_file,
                alternatives=tuple(self._kept(task, one, files) for one in task.alternatives),
                attempts=tuple(
                    replace(attempt, tried=self._kept(task, attempt.tried, files))
                    for attempt in task.attempts
                ),
            )
        except StorageError:
            self._remove([input_key(replace(task, input_file=n)) for n in range(len(files))], task)
            raise

    def _kept(self, task: Task, one: Alternative, files: list[Mapping[str, Any]]) -> Alternative:
        """Keep the input of one model; models with the same large input share its file."""
        kept = with_excerpt(replace(task, input=one.input))
        if kept.input_bytes is None:
            return one
        if one.input not in files:
            files.append(one.input)
            key = input_key(replace(task, input_file=len(files) - 1))
            body = json.dumps(one.input, ensure_ascii=False).encode()
            self.archive.put_raw(key, body, "application/json")
        number = files.index(one.input)
        return replace(one, input=kept.input, input_bytes=kept.input_bytes, input_file=number)

    def drop(self, task: Task) -> None:
        """Remove the inputs of a task that was not recorded after all."""
        models = (at_work(task), *task.alternatives, *(one.tried for one in task.attempts))
        files = {one.input_file for one in models if one.input_bytes is not None}
        self._remove(
            [input_key(replace(task, input_file=number)) for number in sorted(files)], task
        )

    def _remove(self, keys: Sequence[str], task: Task) -> None:
        if not keys:
            return
        try:
            self.archive.delete(keys)
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
