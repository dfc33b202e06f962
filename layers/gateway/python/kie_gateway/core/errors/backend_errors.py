"""Backends that did not answer, and tasks that only a person can help."""

from kie_gateway.core.errors.base import GatewayError


class BackendUnavailableError(GatewayError):
    """DynamoDB, SQS, S3 or Step Functions did not do what was asked; nothing of it is half-done."""

    code = "temporarily_unavailable"
    retryable = True


class RecordRefusedError(BackendUnavailableError):
    """DynamoDB does not take what was to be written, and will not when it is sent again."""

    code = "record_refused"
    retryable = False


class RecordGoneError(BackendUnavailableError):
    """A task has been withdrawn, as if it had never been created, while it was to be moved."""


class IssuerUnavailableError(GatewayError):
    """Whether a token is good cannot be told: its issuer does not hand out its keys."""

    code = "issuer_unavailable"
    retryable = True


class TaskStalledError(GatewayError):
    """No verdict by the deadline; the message tells an operator what is known and what to do."""

    code = "task_stalled"
