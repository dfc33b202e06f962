"""One idempotency key, one task: how a repeated request is recognised."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

# A key is remembered for a day, and never shorter than its task may live.
MEMORY = timedelta(hours=24)


@dataclass(frozen=True)
class IdempotencyKey:
    """
    A caller's key with the request it stands for.

    Attributes:
        fingerprint: SHA-256 of the request; the order of keys in objects does not matter.
        forget_at: When the key may be used for something else.
    """

    owner: str
    key: str
    fingerprint: str
    forget_at: datetime

    @property
    def key_hash(self) -> str:
        """The key as it is stored: callers put all kinds of things into keys."""
        return hashlib.sha256(self.key.encode()).hexdigest()


def fingerprint(body: Any) -> str:
    """Condense a parsed JSON body so that equal requests, and only those, look equal."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
