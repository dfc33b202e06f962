"""
Cross-origin rules of a bucket: AmazonS3/latest/userguide/cors.html and cors-troubleshooting.html.

The first rule counts that matches origin, method and, in a preflight, every requested header. An
origin of `null`, as browsers send it after a redirect to another origin, matches as any other text
does: only what has a wildcard for it. moto goes by the origin alone, takes all rules together, and
its server opens every bucket to everybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.s3_errors import S3Error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dev.s3_request import S3Request

type Headers = list[tuple[str, str]]

_REFUSED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of "
    "Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are "
    "not whitelisted by the resource's CORS spec."
)
_VARY = ("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")


@dataclass(frozen=True)
class Rule:
    """One rule of a bucket's CORS configuration."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: int | None = None

    def origin_for(self, origin: str) -> str | None:
        """Return the origin of this rule that an origin matches."""
        return next((own for own in self.origins if _matches(own, origin)), None)

    def allows(self, header: str) -> bool:
        return any(_matches(own.lower(), header) for own in self.headers)


def preflight(request: S3Request, rules: Sequence[Rule]) -> Headers:
    """Answer `OPTIONS`; raises what S3 refuses it with."""
    origin = request.header("origin")
    method = request.header("access-control-request-method")
    if origin is None:
        words = "Insufficient information. Origin request header needed."
        raise S3Error(400, "BadRequest", words)
    if method is None:
        raise S3Error(400, "BadRequest", f"Invalid Access-Control-Request-Method: {method}")
    details = {"Method": method, "ResourceType": "OBJECT" if request.key else "BUCKET"}
    if not rules:
        words = "CORSResponse: CORS is not enabled for this bucket."
        raise S3Error(403, "AccessForbidden", words, details)
    text = request.header("access-control-request-headers") or ""
    headers = [name.strip().lower() for name in text.split(",") if name.strip()]
    for rule in rules:
        if _fits(rule, origin, method) and all(map(rule.allows, headers)):
            allowed = [("Access-Control-Allow-Headers", ", ".join(headers))] if headers else []
            return [*_headers(rule, origin), *allowed]
    raise S3Error(403, "AccessForbidden", _REFUSED, details)


def actual(request: S3Request, rules: Sequence[Rule]) -> Headers:
    """Return what is added to the answer of an actual request; nothing where no rule matches."""
    origin = request.header("origin")
    if origin is None:
        return []
    for rule in rules:
        if _fits(rule, origin, request.method):
            return _headers(rule, origin)
    return []


def _fits(rule: Rule, origin: str, method: str) -> bool:
    return method in rule.methods and rule.origin_for(origin) is not None


def _headers(rule: Rule, origin: str) -> Headers:
    found: Headers
    if rule.origin_for(origin) == "*":
        found = [("Access-Control-Allow-Origin", "*")]
    else:
        found = [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Credentials", "true"),
        ]
    found.append(("Access-Control-Allow-Methods", ", ".join(rule.methods)))
    if rule.exposed:
        found.append(("Access-Control-Expose-Headers", ", ".join(rule.exposed)))
    if rule.max_age is not None:
        found.append(("Access-Control-Max-Age", str(rule.max_age)))
    return [*found, _VARY]


def _matches(pattern: str, text: str) -> bool:
    """Compare with one that may hold a `*`."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*", 1))), text) is not None
