"""Errors that whoever asks can mend, and deliveries that are refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from kie_gateway.core.callers.allowance import Allowance
from kie_gateway.core.errors.base import GatewayError


@dataclass(frozen=True)
class FieldFault:
    """One wrong field; `pointer` is an RFC 6901 pointer into the body, or `/name`."""

    pointer: str
    detail: str


class CallerError(GatewayError):
    """The caller sent something that cannot be done as sent."""

    code = "invalid_request"


class InvalidRequestError(CallerError):
    """
    A request with wrong fields.

    Attributes:
        faults: Every wrong field, in the order of the request.
    """

    code = "validation_failed"

    def __init__(self, message: str, faults: Sequence[FieldFault] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class ModelRetiredError(InvalidRequestError):
    """Kie.ai does not offer the model any more."""


class UnauthorizedError(CallerError):
    """No key, an unknown one, or one that has expired or was revoked."""

    code = "unauthorized"


class ForbiddenError(CallerError):
    """The caller's key has not the scope that this takes."""

    code = "forbidden"


class OriginNotAllowedError(CallerError):
    """The page that sends the request is of an origin whose pages may not."""

    code = "origin_not_allowed"


class LimitError(CallerError):
    """
    The caller wants more than it may have at a time.

    Attributes:
        allowance: What it may have, and when it may try again.
    """

    retryable = True

    def __init__(self, message: str, allowance: Allowance) -> None:
        super().__init__(message)
        self.allowance = allowance


class TooManyRequestsError(LimitError):
    """The caller has sent more requests than it may."""

    code = "too_many_requests"

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(f"the limit is {allowance.limit} requests per minute", allowance)


class TooManyTasksError(LimitError):
    """The owner has as many tasks open as it may."""

    code = "too_many_tasks"

    def __init__(self, limit: int, open_tasks: int) -> None:
        # Nobody knows when one will end.
        allowance = Allowance(limit, open_tasks + 1, 10, of="tasks", window_seconds=None)
        super().__init__(f"the limit is {limit} open tasks, and {open_tasks} are open", allowance)


class InsufficientCreditsError(CallerError):
    """The owner's balance does not hold what the task takes; Kie.ai was not called."""

    code = "insufficient_credits"


class BudgetExceededError(CallerError):
    """The owner would spend more than it may in this month; Kie.ai was not called."""

    code = "budget_exceeded"


class CreationsStoppedError(CallerError):
    """An admin has stopped new tasks; the message says why."""

    code = "creations_stopped"
    retryable = True


class LiveUpdatesOffError(CallerError):
    """This deployment has no live updates."""

    code = "live_updates_off"


class KeyNotFoundError(CallerError):
    """No such key, or none that this can be done with."""

    code = "key_not_found"


class TaskNotFoundError(CallerError):
    """No such task for this owner."""

    code = "task_not_found"


class ModelNotFoundError(CallerError):
    """The catalogue has no such model; tasks may still be created with it."""

    code = "model_not_found"


class RecipeNotFoundError(CallerError):
    """This deployment has no such recipe."""

    code = "recipe_not_found"


class OutputNotFoundError(CallerError):
    """The task has no such output (yet)."""

    code = "output_not_found"


class OutputDeletedError(CallerError):
    """The file was kept for as long as it should be, and is gone."""

    code = "output_deleted"


class LinkedFileNotFoundError(CallerError):
    """A permalink that leads to no file, whatever the reason."""

    code = "file_not_found"


class IdempotencyMismatchError(CallerError):
    """The key was used before with another body."""

    code = "idempotency_key_reused"


class BatchSettledError(CallerError):
    """The batch has ended already."""

    code = "batch_settled"


class BatchNotFoundError(CallerError):
    """There is no such batch, or it is somebody else's."""

    code = "batch_not_found"


class TaskSettledError(CallerError):
    """The task has ended already."""

    code = "task_settled"


class TaskNotFailedError(CallerError):
    """Only a failed task can be retried; anything else may still bring a paid result."""

    code = "task_not_failed"


class WebhookRefusedError(GatewayError):
    """
    A delivery that does not prove to come from Kie.ai.

    Attributes:
        reason: Short word for the timeline and the metrics, never sent to the caller.
    """

    code = "webhook_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"webhook refused: {reason}")
        self.reason = reason
