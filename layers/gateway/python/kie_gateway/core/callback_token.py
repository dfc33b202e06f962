"""The token in a task's callback URL: whoever presents it was told the URL by us."""

import base64
import hashlib
import hmac


def callback_token(task_id: str, secret: str) -> str:
    """Derive the token of a task: HMAC-SHA256 of its id as 43 URL-safe characters."""
    digest = hmac.new(secret.encode(), task_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_callback_token(token: str, task_id: str, secret: str) -> bool:
    """Check a token in constant time."""
    return hmac.compare_digest(token.encode(), callback_token(task_id, secret).encode())


def callback_url(base_url: str, task_id: str, secret: str) -> str:
    """Build the URL that Kie.ai is to call about a task."""
    return f"{base_url}/callbacks/kie/{task_id}/{callback_token(task_id, secret)}"
