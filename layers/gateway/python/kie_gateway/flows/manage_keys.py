"""Make, rotate and revoke callers' keys."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from kie_gateway.core.api_key import ROTATION, USUAL, ApiKey, Scope, hash_key, new_key
from kie_gateway.core.errors.caller_errors import KeyNotFoundError

_NOT_IN_FORCE = "the key has expired or was revoked; create a new one"


class Keys(Protocol):
    """Where keys are kept; every call raises BackendUnavailableError when that does not answer."""

    def put(self, key: ApiKey) -> None:
        """Write a key."""

    def succeed(self, old: ApiKey, new: ApiKey, ends_at: datetime) -> bool:
        """Write a key and when the one before it ends; False if that has been revoked."""

    def revoke(self, key: ApiKey, now: datetime) -> None:
        """Revoke a key, unless it is revoked already."""

    def by_id(self, key_id: str) -> ApiKey | None:
        """Find a key."""


@dataclass(frozen=True)
class Issued:
    """A key as it is shown once, and what is kept of it."""

    secret: str
    key: ApiKey


def issue_key(
    owner: str,
    name: str,
    *,
    keys: Keys,
    key_id: str,
    now: datetime,
    scopes: frozenset[Scope] = USUAL,
    expires_at: datetime | None = None,
    requests_per_minute: int | None = None,
    tasks_at_once: int | None = None,
    secret: str | None = None,
) -> Issued:
    """
    Make a key.

    Args:
        secret: A key that stands for itself, such as that of the local gateway; None makes one.
    """
    secret = secret or new_key()
    key = ApiKey(
        key_id,
        hash_key(secret),
        owner,
        name,
        now,
        scopes,
        expires_at,
        requests_per_minute=requests_per_minute,
        tasks_at_once=tasks_at_once,
    )
    keys.put(key)
    return Issued(secret, key)


def rotate_key(key_id: str, *, keys: Keys, new_key_id: str, now: datetime) -> Issued:
    """
    Make a new key like an old one, which stays good for a day.

    Raises:
        KeyNotFoundError: There is none, or it is no longer in force.
    """
    old = _found(key_id, keys)
    if not old.is_in_force(now):
        raise KeyNotFoundError(_NOT_IN_FORCE)
    secret = new_key()
    key = replace(
        old, key_id=new_key_id, key_hash=hash_key(secret), created_at=now, last_used_at=None
    )
    ends_at = min(old.expires_at or now + ROTATION, now + ROTATION)
    if not keys.succeed(old, key, ends_at):
        raise KeyNotFoundError(_NOT_IN_FORCE)
    return Issued(secret, key)


def revoke_key(key_id: str, *, keys: Keys, now: datetime) -> ApiKey:
    """Revoke a key, everywhere within 30 s. Raises KeyNotFoundError."""
    key = _found(key_id, keys)
    keys.revoke(key, now)
    return replace(key, revoked_at=key.revoked_at or now)


def _found(key_id: str, keys: Keys) -> ApiKey:
    key = keys.by_id(key_id)
    if key is None:
        raise KeyNotFoundError("there is no such key")
    return key
