"""
Secrets that webhooks are signed with: derived, so that none is kept anywhere.

Their shape is that of Standard Webhooks: `whsec_` and 24 to 64 bytes in Base64.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime

from kie_gateway.core.events.endpoint import Endpoint
from kie_gateway.core.events.task_webhook import PER_TASK
from kie_gateway.core.signing_key import derive_key

PREFIX = "whsec_"


def webhook_secret(signing_secret: str, endpoint_id: str, number: int) -> str:
    """
    Return a secret of an endpoint.

    Args:
        signing_secret: Of the deployment.
        number: Which of its secrets; each rotation makes the next.
    """
    key = derive_key(signing_secret, f"webhook/{endpoint_id}/{number}")
    return PREFIX + b64encode(key).decode()


def newest_secret(signing_secret: str, owner: str, endpoint: Endpoint | None) -> str:
    """
    Return the secret that an owner is shown.

    Args:
        endpoint: None for the webhooks of tasks, as long as their secret was never rotated.
    """
    number = endpoint.secret_number if endpoint is not None else 1
    return webhook_secret(signing_secret, _name(owner, endpoint), number)


def signing_secrets(
    signing_secret: str, owner: str, endpoint: Endpoint | None, now: datetime
) -> Sequence[str]:
    """
    Return the secrets that sign a delivery, the newest first.

    Args:
        endpoint: None for the webhook of a task, as long as its owner's secret was never rotated.
    """
    numbers = endpoint.signing_numbers(now) if endpoint is not None else [1]
    name = _name(owner, endpoint)
    return [webhook_secret(signing_secret, name, number) for number in numbers]


def _name(owner: str, endpoint: Endpoint | None) -> str:
    """Name what has the secret; ids of endpoints are nobody else's, `per-task` is everybody's."""
    if endpoint is None or endpoint.endpoint_id == PER_TASK:
        return f"{PER_TASK}/{owner}"
    return endpoint.endpoint_id
