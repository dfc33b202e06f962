"""Keys for one purpose each, derived from the deployment's signing secret."""

import hashlib
import hmac


def derive_key(secret: str, purpose: str) -> bytes:
    """Derive the key for a purpose: HMAC-SHA256 of its name; no key tells anything of another."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest()
