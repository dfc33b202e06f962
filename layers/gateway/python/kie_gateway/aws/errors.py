"""Errors of AWS's services in our words."""

from collections.abc import Iterator
from contextlib import contextmanager

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
