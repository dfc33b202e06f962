"""Errors of AWS's services in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from kie_gateway.core.errors import RecordUnavailableError


@contextmanager
def translated(service: str = "DynamoDB") -> Iterator[None]:
    """
    Tell a service's trouble as ours; what a caller expects it catches within.

    Raises:
        RecordUnavailableError: The service did not answer, or refused.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise RecordUnavailableError(f"{service}: {error}") from error


def refuse_lasting(error: ClientError) -> list[dict[str, Any]]:
    """
    Look why a transaction was canceled; a condition or a conflict is no trouble, but an answer.

    Returns:
        The items in the way, as far as their conditions asked for them.

    Raises:
        ClientError: It failed for another reason, which trying again will not mend.
    """
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]  # the stubs know it as str
    passing = {"None", "ConditionalCheckFailed", "TransactionConflict", "ThrottlingError", None}
    in_the_way = [one["Item"] for one in reasons if one.get("Item")]
    if not in_the_way and any(reason.get("Code") not in passing for reason in reasons):
        raise error
    return in_the_way
