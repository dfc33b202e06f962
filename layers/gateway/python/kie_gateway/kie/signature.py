"""
Kie.ai's webhook signature.

`X-Webhook-Signature` is base64(HMAC-SHA256(taskId + "." + timestamp)) with the webhook key of the
account, `X-Webhook-Timestamp` is in unix seconds (Kie's page "Webhook Security Verification"). It
covers the task id and the time, not the body: it proves which task is meant, not what is said.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime

from kie_gateway.core.errors.caller_errors import WebhookRefusedError

TOLERANCE_SECONDS = 300

SIGNATURE_HEADER = "x-webhook-signature"
TIMESTAMP_HEADER = "x-webhook-timestamp"


def sign(upstream_task_id: str, timestamp: int | str, key: str) -> str:
    """Sign as Kie.ai does."""
    message = f"{upstream_task_id}.{timestamp}".encode()
    return base64.b64encode(hmac.new(key.encode(), message, hashlib.sha256).digest()).decode()


def verify(
    headers: Mapping[str, str], upstream_task_ids: Iterable[str], key: str, *, now: datetime
) -> None:
    """
    Check the signature of a delivery.

    Args:
        headers: With lower-case names.
        upstream_task_ids: Ids that the signature may be about: those in the body (its place differs
            by family) and the one on record. One that verifies is enough.

    Raises:
        WebhookRefusedError: Missing, stale or wrong; `reason` says which.
    """
    signature, timestamp = headers.get(SIGNATURE_HEADER), headers.get(TIMESTAMP_HEADER)
    if not signature or not timestamp:
        raise WebhookRefusedError("signature_missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookRefusedError("timestamp_unreadable")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise WebhookRefusedError("timestamp_stale")
    try:
        given = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise WebhookRefusedError("signature_unreadable") from None
    expected = [base64.b64decode(sign(task_id, timestamp, key)) for task_id in upstream_task_ids]
    # Every candidate is compared, so that the time taken tells nothing.
    if not any([hmac.compare_digest(given, one) for one in expected]):  # noqa: C419
        raise WebhookRefusedError("signature_mismatch")
