"""Retry a failed task: a new task with the same models and inputs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from kie_gateway.core.alternatives import Alternative
from kie_gateway.core.callers.idempotency import fingerprint
from kie_gateway.core.errors.caller_errors import (
    FieldFault,
    InvalidRequestError,
    TaskNotFailedError,
)
from kie_gateway.core.groups.task_spec import ChildSpec, FallbackSpec, TaskSpec
from kie_gateway.core.groups.templates import placeholders
from kie_gateway.core.moves.alternative_moves import at_work, trying
from kie_gateway.core.task import Status, Task
from kie_gateway.flows.tasks.create_task import Created
from kie_gateway.flows.tasks.draft_task import NEVER_FILLED
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
        what_follows: Reads what was to follow a task.
        request: Creates a task (`flows/tasks/request_task.py`).
    """

    whole_input: Callable[[Task], Task]
    what_follows: Callable[[Task], tuple[ChildSpec, ...]]
    request: Callable[[TaskRequest], Created]

    def __call__(self, retry: Retry) -> Created:
        """
        Create a task like a failed one, on the account of the same owner.

        Raises:
            InvalidRequestError: Its input was never complete, as its parent did not bring a value.
            TaskNotFailedError: It has not failed, so it may still bring a result that is paid for.
            CallerError, BackendUnavailableError, StorageError: As for any new task.
        """
        if retry.failed.status is not Status.FAILED:
            raise TaskNotFailedError(
                f"the task is {retry.failed.status.value}; only a failed task can be retried,"
                " because any other may still deliver a result that you pay for"
            )
        failed = retry.failed
        _refuse_unfilled(failed)
        first, *others = self._models(failed)
        return self.request(
            TaskRequest(
                owner=failed.owner,
                task=TaskSpec(
                    model=first.model,
                    input=first.input,
                    metadata=failed.metadata,
                    # It was checked when it was first asked for.
                    checked=False,
                    deadline_seconds=_seconds(failed),
                    retention_days=failed.retention_days,
                    fallback=tuple(FallbackSpec(one.model, one.input) for one in others),
                    max_credits=failed.max_credits,
                    recipe=failed.recipe,
                    children=self.what_follows(failed),
                    least_picture=failed.least_picture,
                    webhook=failed.webhook,
                ),
                callback_base_url=retry.callback_base_url,
                tasks_at_once=retry.tasks_at_once,
                fingerprint=fingerprint({"retry": failed.task_id}),
                idempotency_key=retry.idempotency_key,
                retry_of=failed.task_id,
            )
        )

    def _models(self, failed: Task) -> list[Alternative]:
        """List the models of a task with their whole inputs, from the first that may do."""
        tried = [attempt.tried for attempt in failed.attempts]
        models = (*tried, at_work(failed), *failed.alternatives)
        return [
            replace(one, input=self.whole_input(trying(failed, one)).input)
            for one in models
            if not one.is_retired
        ]


def _refuse_unfilled(failed: Task) -> None:
    """Raises InvalidRequestError: Its input was never filled in, so nothing was ever sent."""
    if failed.error is None or failed.error.code not in NEVER_FILLED:
        return
    detail = "was never filled in; create a task with an input of its own, or retry the parent"
    faults = [FieldFault(one.pointer, detail) for one in placeholders(failed.input, "/input")]
    if faults:
        raise InvalidRequestError("the task's input has placeholders that lead nowhere", faults)


def _seconds(task: Task) -> int:
    return int((task.deadline_at - task.created_at).total_seconds())
