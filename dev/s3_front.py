"""S3 in front of moto's: strict where AWS is strict, so that what works here works there."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from moto.s3.models import s3_backends

from dev import s3_cors, s3_rules
from dev.s3_body import receive
from dev.s3_cors import Rule
from dev.s3_errors import S3Error
from dev.s3_form import is_form, verify_form
from dev.s3_hosts import check_host
from dev.s3_request import S3Request
from dev.s3_signature import UNSIGNED, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dev.s3_credentials import Secrets
    from dev.s3_request import Environ, StartResponse


class S3Front:
    """
    A WSGI application that lets nothing through to moto that S3 would refuse.

    Args:
        moto: What answers requests that are in order; it is told of path-style ones only.
        secrets: Finds what belongs to an access key.
        account: Whose buckets they are.

    """

    def __init__(
        self, moto: Callable[..., Iterable[bytes]], secrets: Secrets, account: str
    ) -> None:
        self._moto = moto
        self._secrets = secrets
        self._account = account

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = S3Request.read(environ)
        bucket = self._bucket(request.bucket)
        rules = _rules(bucket)
        try:
            if request.method == "OPTIONS":
                return _preflight(request, rules, start_response)
            body = self._admit(request, bucket)
        except S3Error as error:
            answer = error.send(
                _adding(s3_cors.actual(request, rules), start_response),
                with_body=request.method != "HEAD",
            )
            # Unread, what is left of the body would be taken for the next request.
            with suppress(OSError):
                request.take_body()
            return answer
        return self._moto(
            request.for_moto(body), _adding(s3_cors.actual(request, rules), start_response)
        )

    def _admit(self, request: S3Request, bucket: Any) -> bytes:
        """Check everything that S3 would; gives the body, decoded."""
        region = None if bucket is None else str(bucket.region_name)
        if region is not None:
            check_host(request, region)
        now = datetime.now(UTC)
        if is_form(request):
            body = receive(request, UNSIGNED)
            s3_rules.check_key(verify_form(request, body, region, self._secrets, now))
            return body
        body_hash = verify(request, region, self._secrets, now)
        body = receive(request, body_hash)
        s3_rules.check(request, body, bucket)
        return body

    def _bucket(self, name: str) -> Any:
        """Find moto's bucket; buckets of all accounts and regions share one space of names."""
        return s3_backends[self._account]["aws"].buckets.get(name)


def _rules(bucket: Any) -> list[Rule]:
    return [
        Rule(
            origins=tuple(rule.allowed_origins or ()),
            methods=tuple(rule.allowed_methods or ()),
            headers=tuple(rule.allowed_headers or ()),
            exposed=tuple(rule.exposed_headers or ()),
            max_age=None if rule.max_age_seconds is None else int(rule.max_age_seconds),
        )
        for rule in (bucket.cors if bucket is not None else ())
    ]


def _preflight(request: S3Request, rules: list[Rule], start_response: StartResponse) -> list[bytes]:
    start_response("200 OK", [*s3_cors.preflight(request, rules), ("Content-Length", "0")])
    return []


def _adding(cors: s3_cors.Headers, start_response: StartResponse) -> StartResponse:
    """Put the bucket's CORS headers into the place of those of moto's server."""

    def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        kept = [
            (name, value)
            for name, value in headers
            if not name.lower().startswith("access-control-") and name.lower() != "vary"
        ]
        return start_response(status, [*kept, *cors], *more)

    return start
