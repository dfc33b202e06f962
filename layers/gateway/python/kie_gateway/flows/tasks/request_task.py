"""Take a caller's wish for a task: check what it names, reckon what it costs, and create it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from kie_gateway.core.groups.task_spec import TaskSpec
from kie_gateway.flows.groups.plan_group import PlanGroup
from kie_gateway.flows.tasks.create_task import Created, NewTask
from kie_gateway.flows.tasks.read_alternatives import checked_in_turn


@dataclass(frozen=True)
class TaskRequest:
    """
    What a caller asks for.

    Attributes:
        task: What is to be created, and what is to follow.
        callback_base_url: Public address of this deployment.
        tasks_at_once: How many the owner may have open; 0 for any number.
        check_inputs: Whether links in the input are tried before the task is created.
        idempotency_key: As sent, None without one.
        fingerprint: Of the request, to tell repeated requests from others under the same key.
        retry_of: Id of the failed task that this one repeats.
    """

    owner: str
    task: TaskSpec
    callback_base_url: str
    tasks_at_once: int
    fingerprint: str
    idempotency_key: str | None = None
    check_inputs: bool = False
    retry_of: str | None = None


class Create(Protocol):
    """Creates a checked task (`flows/tasks/create_task.py`)."""

    def __call__(self, new: NewTask, check: Callable[[], None] | None = None) -> Created:
        """Create a task; `check` looks at a new one once more, and raises CallerError."""


@dataclass(frozen=True)
class RequestTask:
    """
    Creates the task that a caller asks for.

    Attributes:
        plan: Checks a task with everything that is to follow.
        check_links: Raises InvalidRequestError if a link of an input surely leads to no file.
    """

    plan: PlanGroup
    create: Create
    check_links: Callable[[Mapping[str, Any]], None]
    new_task_id: Callable[[], str]

    def __call__(self, request: TaskRequest) -> Created:
        """
        Create a task, or find the one that an earlier request under the same key has created.

        Raises:
            CallerError: It is not created, for a reason that the caller can mend.
            BackendUnavailableError, StorageError: The same, as it could not be recorded.
        """
        task_id = self.new_task_id()
        group = self.plan(request.task, task_id, request.owner, request.callback_base_url)
        draft = replace(group.draft, retry_of=request.retry_of)
        new = NewTask(
            draft,
            task_id=task_id,
            beside=group.beside,
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint,
            tasks_at_once=request.tasks_at_once,
        )
        if not request.check_inputs:
            return self.create(new)
        before, after = (
            [one.input for one in some] for some in (draft.passed_over, draft.alternatives)
        )
        inputs = [*before, draft.input, *after]
        return self.create(new, partial(checked_in_turn, inputs, self.check_links))
