"""Make, rotate and revoke callers' keys."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from kie_gateway.core.callers.api_key import ROTATION, USUAL, ApiKey, Scope, hash_key
from kie_gateway.core.callers.api_key import new_key as new_secret
from kie_gateway.core.errors.caller_errors import KeyNotFoundError

_NO_LONGER_VALID = "the key has expired or was revoked; create a new one"


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
class NewKey:
    """
    What a key shall be.

    Attributes:
        expires_at: None for a key without an end.
        requests_per_minute: None if they count as its owner's; 0 for any number.
        tasks_at_once: How many the owner may have open when this key creates one; as before.
    """

    owner: str
    name: str
    scopes: frozenset[Scope] = USUAL
    expires_at: datetime | None = None
    requests_per_minute: int | None = None
    tasks_at_once: int | None = None


@dataclass(frozen=True)
class Issued:
    """A key as it is shown once, and what is kept of it."""

    secret: str
    key: ApiKey


@dataclass(frozen=True)
class IssueKey:
    """Issues keys."""

    keys: Keys
    new_key_id: Callable[[], str]
    now: Callable[[], datetime]

    def __call__(self, new: NewKey, secret: str | None = None) -> Issued:
        """
        Issue a key.

        Args:
            secret: A key that stands for itself, such as that of the local gateway; None makes one.
        """
        secret = secret or new_secret()
        key = ApiKey(
            self.new_key_id(),
            hash_key(secret),
            new.owner,
            new.name,
            self.now(),
            new.scopes,
            new.expires_at,
            requests_per_minute=new.requests_per_minute,
            tasks_at_once=new.tasks_at_once,
        )
        self.keys.put(key)
        return Issued(secret, key)


@dataclass(frozen=True)
class RotateKey:
    """Rotates keys: a new one like the old one, which stays valid for a day."""

    keys: Keys
    new_key_id: Callable[[], str]
    now: Callable[[], datetime]

    def __call__(self, key_id: str) -> Issued:
        """
        Issue the successor of a key.

        Raises:
            KeyNotFoundError: There is no such key, or it is no longer valid.
        """
        old, now = _found(key_id, self.keys), self.now()
        if not old.is_valid(now):
            raise KeyNotFoundError(_NO_LONGER_VALID)
        secret = new_secret()
        key = replace(
            old,
            key_id=self.new_key_id(),
            key_hash=hash_key(secret),
            created_at=now,
            last_used_at=None,
        )
        ends_at = min(old.expires_at or now + ROTATION, now + ROTATION)
        if not self.keys.succeed(old, key, ends_at):
            raise KeyNotFoundError(_NO_LONGER_VALID)
        return Issued(secret, key)


@dataclass(frozen=True)
class RevokeKey:
    """Revokes keys, everywhere within 30 s."""

    keys: Keys
    now: Callable[[], datetime]

    def __call__(self, key_id: str) -> ApiKey:
        """Revoke a key, and return it. Raises KeyNotFoundError."""
        key, now = _found(key_id, self.keys), self.now()
        self.keys.revoke(key, now)
        return replace(key, revoked_at=key.revoked_at or now)


def _found(key_id: str, keys: Keys) -> ApiKey:
    key = keys.by_id(key_id)
    if key is None:
        raise KeyNotFoundError("there is no such key")
    return key
