"""Find out who sends a request, and count it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from kie_gateway.core.callers.allowance import Allowance
from kie_gateway.core.callers.api_key import ApiKey, Caller
from kie_gateway.core.errors.backend_errors import BackendUnavailableError
from kie_gateway.core.errors.caller_errors import TooManyRequestsError
from kie_gateway.observability import logger
from kie_gateway.web import requests


class KeyFinder(Protocol):
    """The keys of callers; every call raises BackendUnavailableError when they cannot be read."""

    def find(self, key: str) -> ApiKey | None:
        """Find what is kept of a key."""

    def note_use(self, key: ApiKey, now: datetime) -> None:
        """Note that a key was used."""


class TokenReader(Protocol):
    """Reads the tokens of an OpenID Connect issuer."""

    def read(self, token: str) -> Caller | None:
        """Find out who sent a token; None if it proves nothing. Raises IssuerUnavailableError."""


class RequestCounter(Protocol):
    """Counts requests of a sender within a window of time."""

    def count(self, sender: str, limit: int, now: datetime) -> Allowance:
        """Count one more request, and tell what is left."""


@dataclass(frozen=True)
class Authentication:
    """
    Finds callers by the headers of their requests.

    Attributes:
        tokens: None where tokens are not accepted.
        requests_per_minute: Of an owner, for keys without a limit of their own; 0 for any number.
    """

    keys: KeyFinder
    tokens: TokenReader | None
    counter: RequestCounter
    requests_per_minute: int
    now: Callable[[], datetime]

    def __call__(self, headers: Mapping[str, str]) -> Caller:
        """
        Return the caller, with what is left of its requests.

        Args:
            headers: With lower-case names.

        Raises:
            UnauthorizedError: Neither a valid key nor a valid token was sent.
            TooManyRequestsError: The request is one too many.
            IssuerUnavailableError: Whether a token is good cannot be told now.
        """
        sent, now = requests.bearer(headers), self.now()
        if self.tokens is not None and requests.is_token(sent):
            caller = self.tokens.read(sent) or requests.raise_unauthorized()
            return self._counted(caller, None, now)
        key = self.keys.find(sent)
        if key is None or not key.is_valid(now):
            requests.raise_unauthorized()
        self._note_use(key, now)
        return self._counted(key.caller, key, now)

    def _note_use(self, key: ApiKey, now: datetime) -> None:
        try:
            self.keys.note_use(key, now)
        except BackendUnavailableError as error:
            # A note for people; no reason to turn a caller away.
            logger.warning("use of a key was not noted", extra={"why": str(error)})

    def _counted(self, caller: Caller, key: ApiKey | None, now: datetime) -> Caller:
        """Count all that an owner sends together, but for keys with a limit of their own."""
        if key is not None and key.requests_per_minute is not None:
            sender, limit = key.key_id, key.requests_per_minute
        else:
            sender, limit = f"owner {caller.owner}", self.requests_per_minute
        if not limit:
            return caller
        allowance = self.counter.count(sender, limit, now)
        if allowance.is_used_up:
            raise TooManyRequestsError(allowance)
        return replace(caller, allowance=allowance)
