"""Take a caller's wish for a task: check what it names, reckon what it costs, and create it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

from kie_gateway.core.credits.reservation import Reservation
from kie_gateway.flows.tasks.create_task import Created, NewTask


@dataclass(frozen=True)
class TaskRequest:
    """
    What a caller asks for.

    Attributes:
        input: As the model takes it.
        callback_base_url: Public address of this deployment.
        tasks_at_once: How many the owner may have open; 0 for any number.
        deadline_seconds: None for the deployment's default.
        retention_days: None for the deployment's default.
        check_inputs: Whether links in the input are tried before the task is created.
        idempotency_key: As sent, None without one.
        fingerprint: Of the request, to tell repeated requests from others under the same key.
        retry_of: Id of the failed task that this one repeats.
    """

    owner: str
    model: str
    input: Mapping[str, Any]
    metadata: Mapping[str, Any]
    callback_base_url: str
    tasks_at_once: int
    fingerprint: str
    idempotency_key: str | None = None
    deadline_seconds: int | None = None
    retention_days: int | None = None
    check_inputs: bool = False
    retry_of: str | None = None


class Models(Protocol):
    """What is known of models before Kie.ai is asked."""

    def family(self, model: str) -> str:
        """Return the family of a model, the API of Kie.ai that serves it."""

    def kind(self, model: str) -> str | None:
        """Return what a model makes; None if that is unknown."""

    def estimate(self, model: str, task_input: Mapping[str, Any]) -> Decimal | None:
        """Estimate the credits of a task; None where nobody knows its price."""


class Create(Protocol):
    """Creates a checked task (`flows/tasks/create_task.py`)."""

    def __call__(self, new: NewTask, check: Callable[[], None] | None = None) -> Created:
        """Create a task; `check` looks at a new one once more, and raises CallerError."""


@dataclass(frozen=True)
class RequestTask:
    """
    Creates the task that a caller asks for.

    Attributes:
        checks: Each raises InvalidRequestError if an owner's input names what it may not.
        check_links: Raises InvalidRequestError if a link of an input surely leads to no file.
        reservation: Tells what is set aside for a task by its estimate.
        deadline_seconds: For tasks that do not bring their own.
    """

    models: Models
    create: Create
    checks: Sequence[Callable[[Mapping[str, Any], str], None]]
    check_links: Callable[[Mapping[str, Any]], None]
    reservation: Callable[[Decimal | None], Reservation]
    deadline_seconds: int

    def __call__(self, request: TaskRequest) -> Created:
        """
        Create a task, or find the one that an earlier request under the same key has created.

        Raises:
            CallerError: It is not created, for a reason that the caller can mend.
            BackendUnavailableError, StorageError: The same, as it could not be recorded.
        """
        for check in self.checks:
            check(request.input, request.owner)
        estimated = self.models.estimate(request.model, request.input)
        new = NewTask(
            owner=request.owner,
            model=request.model,
            family=self.models.family(request.model),
            input=request.input,
            metadata=request.metadata,
            deadline_seconds=request.deadline_seconds or self.deadline_seconds,
            callback_base_url=request.callback_base_url,
            idempotency_key=request.idempotency_key,
            fingerprint=request.fingerprint,
            retry_of=request.retry_of,
            retention_days=request.retention_days,
            kind=self.models.kind(request.model),
            credits_estimated=estimated,
            reservation=self.reservation(estimated),
            tasks_at_once=request.tasks_at_once,
        )
        try_links = partial(self.check_links, request.input) if request.check_inputs else None
        return self.create(new, try_links)
