"""
What can go wrong, one class for each thing a caller or an operator can react to.

GatewayError
|- CallerError                 the caller can mend it; `web/problems.py` maps each class to a status
|  |- InvalidRequestError      names the fields that are wrong
|  |- UnauthorizedError        no key, or one that is not in force
|  |- ForbiddenError           a key that may not do this
|  |- LimitError
|  |  |- TooManyRequestsError  more than the caller may send in a minute
|  |  '- TooManyTasksError     more than the owner may have open
|  |- InsufficientCreditsError less than the task takes
|  |- BudgetExceededError      more than the owner may spend in a month
|  |- CreationsStoppedError    no new tasks for now, by an admin's word
|  |- TaskNotFoundError        also another owner's task
|  |- ModelNotFoundError
|  |- KeyNotFoundError
|  |- OutputNotFoundError
|  |- OutputDeletedError
|  |- IdempotencyMismatchError
|  |- TaskSettledError         too late to cancel
|  '- TaskNotFailedError       nothing to retry
|- WebhookRefusedError         a delivery that is not Kie's; the sender learns no detail
|- ProviderError               what Kie.ai or the way to it did
|  |- ProviderBusyError        certainly refused for now, asking again is right
|  |- ProviderRejectedError    certainly refused for good, keeps Kie's code and words
|  |  |- ProviderAuthError     the key is wrong
|  |  |- ProviderInputError    the input is wrong, or its content is not allowed
|  |  '- ProviderNoCreditsError  the account's balance is too low
|  |- ProviderUnreachableError nothing was sent
|  |- SubmissionUnknownError   the creation may have been accepted: never send it again
|  '- ProviderContractError    an answer that was not understood
|- StorageError                a result could not be copied into the bucket
|  |- SourceError
|  |  |- SourceForbiddenError  the link leads where we must not go
|  |  |  '- HostNotListedError
|  |  |- SourceGoneError       the link has expired (403, 404, 410)
|  |  |- SourceUnavailableError  the file host did not answer well; asking again is right
|  |  '- SourceBrokenError     empty or cut short
|  |     |- SourceTooLargeError  larger than allowed
|  |     '- SourcePageError    a page, or an error in the shape of one
|  |- KeyTakenError            something else lies in the bucket by now
|  '- LeaseLostError           another copy has taken over
|- IssuerUnavailableError      the issuer of a token does not hand out its keys
|- BackendUnavailableError      the table, a queue or the machine did not answer
|  |- RecordRefusedError       the table will never take this write
|  '- RecordGoneError          the task was taken back meanwhile, as if it had never been created
|- TaskStalledError            no verdict by the deadline: fails the execution for a person to see
'- ConfigurationError          a setting is missing or wrong
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kie_gateway.core.allowance import Allowance


class GatewayError(Exception):
    """
    Base of every error of the gateway.

    Attributes:
        code: Stable snake_case word for programs.
        retryable: Whether the same call may succeed later.
    """

    code = "internal_error"
    retryable = False


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


class UnauthorizedError(CallerError):
    """No key, an unknown one, or one that has expired or was revoked."""

    code = "unauthorized"


class ForbiddenError(CallerError):
    """The caller's key has not the scope that this takes."""

    code = "forbidden"


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


class KeyNotFoundError(CallerError):
    """No such key, or none that this can be done with."""

    code = "key_not_found"


class TaskNotFoundError(CallerError):
    """No such task for this owner."""

    code = "task_not_found"


class ModelNotFoundError(CallerError):
    """The catalogue has no such model; tasks may still be created with it."""

    code = "model_not_found"


class OutputNotFoundError(CallerError):
    """The task has no such output (yet)."""

    code = "output_not_found"


class OutputDeletedError(CallerError):
    """The file was kept for as long as it should be, and is gone."""

    code = "output_deleted"


class IdempotencyMismatchError(CallerError):
    """The key was used before with another body."""

    code = "idempotency_key_reused"


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


class ProviderError(GatewayError):
    """
    Something Kie.ai said or did.

    Attributes:
        provider_code: Kie's code as text, if there was one.
        message: Kie's words, or ours where it had none; free of secrets.
    """

    code = "upstream_error"

    def __init__(self, message: str, *, provider_code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.provider_code = provider_code


class ProviderBusyError(ProviderError):
    """
    Kie.ai, or Cloudflare before it, refused for now; the request was neither queued nor charged.

    Attributes:
        retry_after_seconds: When Kie said to come back, None if it did not.
    """

    code = "upstream_busy"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        provider_code: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, provider_code=provider_code)
        self.retry_after_seconds = retry_after_seconds


class ProviderRejectedError(ProviderError):
    """
    Kie.ai refused for good.

    Attributes:
        category: One of the task failure categories of `core/failure.py`.
    """

    code = "upstream_rejected"

    def __init__(self, message: str, *, provider_code: str | None, category: str) -> None:
        super().__init__(message, provider_code=provider_code)
        self.category = category


class ProviderAuthError(ProviderRejectedError):
    """Kie.ai does not know our key, or does not let it do this."""

    code = "upstream_unauthorized"


class ProviderInputError(ProviderRejectedError):
    """Kie.ai will not make this of this input."""

    code = "upstream_input_refused"


class ProviderNoCreditsError(ProviderRejectedError):
    """Kie.ai says, by code 402 or a text known as a whole, that the account has no credits."""

    code = "upstream_credits_exhausted"


class ProviderUnreachableError(ProviderError):
    """No connection came about, so nothing was sent."""

    code = "upstream_unreachable"
    retryable = True


class OutOfTimeError(ProviderUnreachableError):
    """Too little time was left to hear of Kie.ai, so nothing was sent."""

    code = "out_of_time"


class SubmissionUnknownError(ProviderError):
    """The creation was sent and no clear answer came: it may run, and cost, at Kie.ai."""

    code = "submission_unknown"


class ProviderContractError(ProviderError):
    """An answer outside everything known of Kie.ai's wire format."""

    code = "upstream_not_understood"


class StorageError(GatewayError):
    """
    A result was not copied.

    Attributes:
        message: What happened, in words for the timeline; free of secrets and query strings.
    """

    code = "storage_failed"
    retryable = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class KeyTakenError(StorageError):
    """Something lies under the key that was not to be written over; it still does."""


class LeaseLostError(StorageError):
    """Another copy of the same results has taken over; nothing may be recorded of this one."""


class SourceError(StorageError):
    """Something about a link or its host; another link to the same result may do."""


class SourceForbiddenError(SourceError):
    """The link leads outside `ResultHosts`, or to a private address that is not listed."""

    code = "source_forbidden"
    retryable = False


class HostNotListedError(SourceForbiddenError):
    """
    The link leads to a host outside `ResultHosts`.

    Attributes:
        host: As in the link, with its port if it is not the usual one.
    """

    def __init__(self, message: str, host: str) -> None:
        super().__init__(message)
        self.host = host


class SourceGoneError(SourceError):
    """The link has expired; a fresh one may exist at Kie.ai."""

    code = "source_gone"


class SourceUnavailableError(SourceError):
    """The file host failed, timed out or broke the connection."""

    code = "source_unavailable"


class SourceBrokenError(SourceError):
    """The body was empty or shorter than announced."""

    code = "source_broken"


class SourceTooLargeError(SourceBrokenError):
    """The body is larger than `MaxResultBytes`."""

    retryable = False


class SourcePageError(SourceBrokenError):
    """A page came, or an error in the shape of one: no model makes such."""


class BackendUnavailableError(GatewayError):
    """DynamoDB, SQS, S3 or Step Functions did not do what was asked; nothing of it is half-done."""

    code = "temporarily_unavailable"
    retryable = True


class RecordRefusedError(BackendUnavailableError):
    """DynamoDB does not take what was to be written, and will not when it is sent again."""

    code = "record_refused"
    retryable = False


class RecordGoneError(BackendUnavailableError):
    """A task has been taken back, as if it had never been created, while it was to be moved."""


class IssuerUnavailableError(GatewayError):
    """Whether a token is good cannot be told: its issuer does not hand out its keys."""

    code = "issuer_unavailable"
    retryable = True


class TaskStalledError(GatewayError):
    """No verdict by the deadline; the message tells an operator what is known and what to do."""

    code = "task_stalled"


class ConfigurationError(GatewayError):
    """A setting is missing or cannot be used; the message names it."""

    code = "configuration_error"
