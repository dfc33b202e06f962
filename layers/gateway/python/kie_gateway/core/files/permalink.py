"""
A file's permalink: a path that whoever was given it may open, without a key.

The signature covers which task and which file, and nothing that changes, so a file has the same
permalink each time. It is compared as text: base64 has several spellings of the same bytes, and
only ours opens anything.
"""

import base64
import hashlib
import hmac

PURPOSE = "permalink"


def permalink_path(task_id: str, number: str, key: bytes) -> str:
    """
    Return the path of a file's permalink.

    Args:
        number: Of the file in its task (`bucket_keys.number_in`).
        key: Derived for `PURPOSE`.
    """
    return f"/files/{task_id}/{number}/{_signature(task_id, number, key)}"


def is_permalink_signature(signature: str, task_id: str, number: str, key: bytes) -> bool:
    """Check a signature in constant time."""
    sent = signature.encode(errors="replace")
    return hmac.compare_digest(sent, _signature(task_id, number, key).encode())


def _signature(task_id: str, number: str, key: bytes) -> str:
    """Sign with all 256 bits, as 43 URL-safe characters; no id has a slash in it."""
    message = f"{task_id}/{number}".encode(errors="replace")
    digest = hmac.new(key, message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
