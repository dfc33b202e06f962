"""
Which pages may call the API with a key: those of the origins in `AllowedOrigins`.

API Gateway cannot decide that. Where an HTTP API has a CORS configuration, it "ignores CORS headers
returned from your backend integration"
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html), and there is one
configuration for all routes. Permalinks are read from any origin, so it names them all, and a call
with a key is refused here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class AllowedOrigins:
    """
    The list of origins.

    Attributes:
        patterns: Each an origin, in which `*` stands for anything, as in a bucket's CORS rules.
    """

    patterns: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a comma-separated list."""
        return cls(tuple(filter(None, (part.strip() for part in text.split(",")))))

    def allow(self, origin: str | None, own: Iterable[str] = ()) -> bool:
        """
        Whether a request may come from a page of an origin.

        Args:
            origin: As a browser sends it; None for a request that comes from no page.
            own: The API's own origins, whose pages always may.
        """
        if origin is None:
            return True
        return any(_matches(one, origin) for one in (*self.patterns, *own))


def _matches(pattern: str, origin: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), origin) is not None
