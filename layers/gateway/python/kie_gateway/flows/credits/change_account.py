"""Change an owner's account by an administrator's word, once for each idempotency key."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kie_gateway.core.callers.idempotency import IdempotencyKey
from kie_gateway.core.ports.accounts import Accounts, Change, Changed

# A change that is sent again within this time is the same change.
_MEMORY = timedelta(days=30)


@dataclass(frozen=True)
class AccountChange:
    """
    A change of an account.

    Attributes:
        owner: Whose account.
        decide: From the account as it is to what changes.
        asked_by: The administrator, whose idempotency keys are its own.
        idempotency_key: As sent, None without one.
        fingerprint: Of the request, to tell repeated requests from others under the same key.
    """

    owner: str
    decide: Change
    asked_by: str
    idempotency_key: str | None
    fingerprint: str


@dataclass(frozen=True)
class ChangeAccount:
    """Changes accounts."""

    accounts: Accounts
    now: Callable[[], datetime]

    def __call__(self, change: AccountChange) -> Changed:
        """
        Change an account.

        Raises:
            IdempotencyMismatchError: The key stands for another change.
            BackendUnavailableError: Nothing has changed.
        """
        now, once = self.now(), None
        if change.idempotency_key is not None:
            # Callers' own keys are visible characters only, so none is the same.
            name = f"\tcredits {change.idempotency_key}"
            once = IdempotencyKey(change.asked_by, name, change.fingerprint, now + _MEMORY)
        return self.accounts.change(change.owner, change.decide, now, once)
