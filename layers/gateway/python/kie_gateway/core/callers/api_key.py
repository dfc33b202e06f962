"""Callers and their keys: a key is shown once and kept as a hash only."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kie_gateway.core.callers.allowance import Allowance

PREFIX = "kg_"
# An owner becomes part of file names in the bucket.
OWNER_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
OWNER = re.compile(OWNER_PATTERN)
# Before an owner that is told by the hash of a subject.
_HASHED = "h_"
# A rotated key stays good this long, so that nobody has to change all programs at one moment.
ROTATION = timedelta(hours=24)


class Scope(StrEnum):
    """What a caller may do."""

    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    ADMIN = "admin"


USUAL = frozenset({Scope.TASKS_READ, Scope.TASKS_WRITE})


@dataclass(frozen=True)
class Caller:
    """
    Who asks: an owner, and what is allowed.

    Attributes:
        allowance: What is left of its requests; None if they are not counted.
        tasks_at_once: As in its key.
    """

    owner: str
    scopes: frozenset[Scope] = USUAL
    allowance: Allowance | None = None
    tasks_at_once: int | None = None

    @property
    def is_admin(self) -> bool:
        """Whether the caller sees and does everything, for every owner."""
        return Scope.ADMIN in self.scopes

    def may(self, scope: Scope) -> bool:
        """Whether the caller has a scope."""
        return self.is_admin or scope in self.scopes


@dataclass(frozen=True)
class ApiKey:
    """
    A key of an owner.

    Attributes:
        key_id: What it is called by; no secret.
        key_hash: SHA-256 of the key, lower-case hex.
        expires_at: None for a key without an end.
        last_used_at: To the hour; None if it never was.
        requests_per_minute: None if they count as its owner's; 0 for any number.
        tasks_at_once: How many the owner may have open when this key creates one; as before.
    """

    key_id: str
    key_hash: str
    owner: str
    name: str
    created_at: datetime
    scopes: frozenset[Scope] = USUAL
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    requests_per_minute: int | None = None
    tasks_at_once: int | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether the key may be used at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def caller(self) -> Caller:
        """Who asks with this key."""
        return Caller(self.owner, self.scopes, tasks_at_once=self.tasks_at_once)


def owner_of(subject: str) -> str:
    """
    Return the owner that an issuer's subject stands for.

    Most providers' subjects (`auth0|5f7c8e`, `repo:octo-org/octo-repo:ref:main`) are no owner's
    name, as that becomes part of file names. Those are hashed; and so is a subject that looks like
    a hash, or one could be chosen to be somebody else.
    """
    if OWNER.fullmatch(subject) and not subject.startswith(_HASHED):
        return subject
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).digest()
    return _HASHED + base64.b32encode(digest).decode().rstrip("=").lower()


def new_key() -> str:
    """Make a key that nobody can guess."""
    return f"{PREFIX}live_{secrets.token_urlsafe(32)}"


def hash_key(key: str) -> str:
    """
    Hash a key for look-up.

    A plain hash is enough: keys are long and random, so there is nothing to guess, and looking one
    up by its hash compares no secret byte by byte.
    """
    return hashlib.sha256(key.encode()).hexdigest()
