"""Errors of AWS's services in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from kie_gateway.core.errors.backend_errors import BackendUnavailableError, RecordRefusedError

# What DynamoDB says of a write that breaks its rules: alone, and as the reason of a transaction.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_LASTING = {"ValidationException", "ValidationError", "ItemCollectionSizeLimitExceeded"}


@contextmanager
def translated(service: str = "DynamoDB") -> Iterator[None]:
    """
    Translate a service's errors into ours; a caller catches the ones it expects inside.

    Raises:
        BackendUnavailableError: The service did not answer, or refused.
        RecordRefusedError: It will refuse again.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        kind = RecordRefusedError if _is_lasting(error) else BackendUnavailableError
        raise kind(f"{service}: {error}") from error


def _is_lasting(error: ClientError | BotoCoreError) -> bool:
    if not isinstance(error, ClientError):
        return False
    codes = {reason.get("Code") for reason in _reasons(error)}
    return not _LASTING.isdisjoint(codes | {error.response.get("Error", {}).get("Code")})


def _reasons(error: ClientError) -> list[dict[str, Any]]:
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]  # the stubs know it as str
    return reasons


def refuse_lasting(error: ClientError) -> list[dict[str, Any]]:
    """
    Return why a transaction was canceled; a failed condition or a conflict is an answer, no error.

    Returns:
        The items in the way, as far as their conditions asked for them.

    Raises:
        ClientError: It failed for another reason, which trying again will not mend.
    """
    reasons = _reasons(error)
    passing = {"None", "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", None}
    in_the_way = [one["Item"] for one in reasons if one.get("Item")]
    if not in_the_way and any(reason.get("Code") not in passing for reason in reasons):
        raise error
    return in_the_way
