"""Keys of callers, for tests that know what they are called."""

from datetime import datetime
from typing import Any

from kie_gateway.flows.manage_keys import Issued, IssueKey, Keys, NewKey, RevokeKey


def issue_key(
    owner: str, name: str, *, keys: Keys, key_id: str, now: datetime, secret: str, **more: Any
) -> Issued:
    """Issue a key that is called as it is said; `more` are further fields of a NewKey."""
    return IssueKey(keys, lambda: key_id, lambda: now)(NewKey(owner, name, **more), secret)


def revoke_key(key_id: str, *, keys: Keys, now: datetime) -> None:
    """Revoke a key."""
    RevokeKey(keys, lambda: now)(key_id)
