"""Retry a failed task: a new task with the same input."""

from collections.abc import Callable
from dataclasses import dataclass

from kie_gateway.core.callers.idempotency import fingerprint
from kie_gateway.core.errors.caller_errors import TaskNotFailedError
from kie_gateway.core.task import Status, Task
from kie_gateway.flows.tasks.create_task import Created
from kie_gateway.flows.tasks.request_task import TaskRequest


@dataclass(frozen=True)
class Retry:
    """
    What to retry, and how.

    Attributes:
        callback_base_url: Public address of this deployment.
        tasks_at_once: How many the owner may have open; 0 for any number.
        idempotency_key: As sent, None without one.
    """

    failed: Task
    callback_base_url: str
    tasks_at_once: int
    idempotency_key: str | None = None


@dataclass(frozen=True)
class RetryTask:
    """
    Retries failed tasks.

    Attributes:
        whole_input: Reads the whole input of a task whose record holds an excerpt.
        request: Creates a task (`flows/tasks/request_task.py`).
    """

    whole_input: Callable[[Task], Task]
    request: Callable[[TaskRequest], Created]

    def __call__(self, retry: Retry) -> Created:
        """
        Create a task like a failed one, on the account of the same owner.

        Raises:
            TaskNotFailedError: It has not failed, so it may still bring a result that is paid for.
            CallerError, BackendUnavailableError, StorageError: As for any new task.
        """
        if retry.failed.status is not Status.FAILED:
            raise TaskNotFailedError(
                f"the task is {retry.failed.status.value}; only a failed task can be retried,"
                " because any other may still deliver a result that you pay for"
            )
        failed = self.whole_input(retry.failed)
        return self.request(
            TaskRequest(
                owner=failed.owner,
                model=failed.model,
                input=failed.input,
                metadata=failed.metadata,
                callback_base_url=retry.callback_base_url,
                tasks_at_once=retry.tasks_at_once,
                fingerprint=fingerprint({"retry": failed.task_id}),
                idempotency_key=retry.idempotency_key,
                deadline_seconds=int((failed.deadline_at - failed.created_at).total_seconds()),
                retention_days=failed.retention_days,
                retry_of=failed.task_id,
            )
        )
