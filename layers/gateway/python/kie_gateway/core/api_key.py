"""Callers' keys: shown once, kept as a hash only."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

PREFIX = "kg_"


@dataclass(frozen=True)
class ApiKey:
    """
    A key in force for an owner.

    Attributes:
        key_hash: SHA-256 of the key, lower-case hex.
        expires_at: None for a key without an end.
    """

    key_hash: str
    owner: str
    name: str
    expires_at: datetime | None = None

    def is_in_force(self, now: datetime) -> bool:
        """Whether the key may be used at `now`."""
        return self.expires_at is None or now < self.expires_at


def hash_key(key: str) -> str:
    """
    Hash a key for look-up.

    A plain hash is enough: keys are long and random, so there is nothing to guess, and looking one
    up by its hash compares no secret byte by byte.
    """
    return hashlib.sha256(key.encode()).hexdigest()
