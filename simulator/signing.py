"""Signatures of webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac

JSON_HEADERS = {"Content-Type": "application/json"}


def signed_headers(task_id: str, signed_at: int, key: str) -> dict[str, str]:
    """Write the headers of a signed webhook."""
    return {
        **JSON_HEADERS,
        "X-Webhook-Timestamp": str(signed_at),
        "X-Webhook-Signature": signature(task_id, signed_at, key),
    }


def signature(task_id: str, signed_at: int, key: str) -> str:
    """Sign the task id and the time in unix seconds; the body is not covered, as at Kie.ai."""
    message = f"{task_id}.{signed_at}".encode()
    return base64.b64encode(hmac.new(key.encode(), message, hashlib.sha256).digest()).decode()
