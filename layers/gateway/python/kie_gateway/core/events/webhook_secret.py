"""
Secrets that webhooks are signed with: derived, so that none is kept anywhere.

Their shape is that of Standard Webhooks: `whsec_` and 24 to 64 bytes in Base64.
"""

from base64 import b64encode

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
