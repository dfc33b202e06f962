"""One secret of the deployment, and a key of its own for each thing that is signed with it."""

import hashlib
import hmac


def derive_key(secret: str, purpose: str) -> bytes:
    """Return the 32-byte key for a purpose: HMAC-SHA256 of its name under the secret."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()
