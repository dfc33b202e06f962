"""Permalinks: make them, and find the files that they lead to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.errors.caller_errors import LinkedFileNotFoundError
from kie_gateway.core.files.bucket_keys import number_in
from kie_gateway.core.files.permalink import PURPOSE, is_permalink_signature, permalink_path
from kie_gateway.core.ports.tasks import TaskStore
from kie_gateway.core.results import Output
from kie_gateway.core.signing_key import derive_key
from kie_gateway.core.task import Task


@dataclass(frozen=True)
class Permalinks:
    """
    The permalinks of this deployment.

    Attributes:
        signing_secret: Reads the deployment's secret; None where permalinks are switched off.
    """

    signing_secret: Callable[[], str] | None

    @property
    def are_on(self) -> bool:
        """Whether files have permalinks."""
        return self.signing_secret is not None

    def to(self, task: Task, output: Output, base_url: str) -> str | None:
        """
        Return the permalink of an output or a preview, None where they are switched off.

        Args:
            base_url: Public address of the API, without a slash at the end.

        Raises:
            ConfigurationError: The secret cannot be read.
        """
        if self.signing_secret is None:
            return None
        key = derive_key(self.signing_secret(), PURPOSE)
        return base_url + permalink_path(task.task_id, number_in(output.key), key)

    def is_genuine(self, task_id: str, number: str, signature: str) -> bool:
        """Whether a permalink was made here. Raises ConfigurationError."""
        if self.signing_secret is None:
            return False
        key = derive_key(self.signing_secret(), PURPOSE)
        return is_permalink_signature(signature, task_id, number, key)


@dataclass(frozen=True)
class FindLinkedFile:
    """Finds the file that a permalink leads to, for as long as it is there."""

    tasks: TaskStore
    permalinks: Permalinks
    now: Callable[[], datetime]

    def __call__(self, task_id: str, number: str, signature: str) -> tuple[Task, Output]:
        """
        Find a file with its task. Nothing is read for a link that is not genuine.

        Raises:
            LinkedFileNotFoundError: In the same words whatever the reason.
        """
        if self.permalinks.is_genuine(task_id, number, signature):
            task = self.tasks.get(task_id)
            if task is not None and self._has_files(task):
                for output in (*task.outputs, *task.previews):
                    if number_in(output.key) == number:
                        return task, output
        raise LinkedFileNotFoundError("there is no file behind this link")

    def _has_files(self, task: Task) -> bool:
        return task.deleted_at is None and not task.has_lost_its_files(self.now())
