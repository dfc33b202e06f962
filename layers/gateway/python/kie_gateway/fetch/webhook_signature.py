"""Sign webhooks as Standard Webhooks v1 says, by its own library."""

from collections.abc import Sequence
from datetime import datetime

from standardwebhooks.webhooks import Webhook


def sign_webhook(secrets: Sequence[str], event_id: str, at: datetime, body: str) -> dict[str, str]:
    """
    Return the headers of a webhook.

    Args:
        secrets: All that sign; receivers accept a signature by any of them.
        at: When it is sent; receivers refuse what is older than five minutes.
    """
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(
            Webhook(secret).sign(event_id, at, body) for secret in secrets
        ),
    }
