"""Decide who may follow what."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kie_gateway.core.callers.realtime_token import read_token


@dataclass(frozen=True)
class AuthoriseRealtime:
    """
    Decides, each time somebody connects or subscribes.

    Attributes:
        signing_key: Reads the key. Raises ConfigurationError.
    """

    signing_key: Callable[[], bytes]
    now: Callable[[], datetime]

    def __call__(self, token: str, channel: str | None) -> bool:
        """
        Decide.

        Args:
            channel: What is to be followed; None for a connection, which follows nothing yet.
        """
        grant = read_token(token, self.signing_key(), self.now())
        return grant is not None and (channel is None or grant.opens(channel))
