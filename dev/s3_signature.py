"""
Signature Version 4, as S3 verifies it.

AmazonS3/latest/API/sigv4-auth-using-authorization-header.html for headers,
sigv4-query-string-auth.html for links. Version 2 is refused, as for every bucket made since
2020-06-24 (aws.amazon.com/blogs/aws/amazon-s3-update-sigv2-deprecation-period-extended-modified).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from dev.s3_errors import S3Error, access_denied, invalid_request
from dev.s3_request import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.s3_request import S3Request

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
LONGEST_LINK_SECONDS = 7 * 24 * 3600
SKEW = timedelta(minutes=15)
_STAMP = "%Y%m%dT%H%M%SZ"
_HEADER = re.compile(
    rf"{ALGORITHM} +Credential=(?P<credential>[^, ]+), *SignedHeaders=(?P<signed>[^, ]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_LINK = ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires")


@dataclass(frozen=True)
class Secret:
    """What belongs to an access key; keys of roles come with a session token."""

    secret_key: str
    token: str | None = None


type Secrets = Callable[[str], Secret | None]


@dataclass(frozen=True)
class Credential:
    """What a signature says that it was made with: key, day, region and service."""

    access_key: str
    day: str
    region: str
    service: str

    @classmethod
    def parse(cls, text: str) -> Credential | None:
        """Read `KEY/20261129/us-east-1/s3/aws4_request`; None if it is none."""
        parts = text.rsplit("/", 4)
        if len(parts) != 5 or parts[3:] != ["s3", "aws4_request"]:
            return None
        return cls(*parts[:4])

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/{self.service}/aws4_request"

    def sign(self, secret_key: str, text: str) -> str:
        """Sign a text with a key derived for this very scope."""
        key = f"AWS4{secret_key}".encode()
        for part in (self.day, self.region, self.service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()


def find_secret(secrets: Secrets, credential: Credential, token: str | None) -> Secret:
    """Find the secret of an access key, and make sure that its session token is the right one."""
    found = secrets(credential.access_key)
    if found is None or (found.token and not token):
        # S3 does not know keys of roles without their token.
        words = "The AWS Access Key Id you provided does not exist in our records."
        raise S3Error(403, "InvalidAccessKeyId", words, {"AWSAccessKeyId": credential.access_key})
    if (found.token or None) != (token or None):
        words = "The provided token is malformed or otherwise invalid."
        raise S3Error(400, "InvalidToken", words)
    return found


def compare(expected: str, given: str) -> None:
    """Refuse a signature that is not the one we come to."""
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise S3Error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        )


def stamp(text: str | None) -> datetime | None:
    """Read `20261129T120000Z`."""
    try:
        return datetime.strptime(text or "", _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def verify(request: S3Request, region: str | None, secrets: Secrets, now: datetime) -> str:
    """
    Verify a request that is signed by header or as a link.

    Args:
        region: Where the bucket lies; None if there is none (yet).

    Returns:
        What it says of its body: a SHA-256, or a word such as `UNSIGNED-PAYLOAD`.

    """
    if header := request.header("authorization"):
        return _verify_header(request, header, region, secrets, now)
    if any(request.parameter(f"X-Amz-{name}") for name in ("Algorithm", "Credential", "Signature")):
        return _verify_link(request, region, secrets, now)
    if request.parameter("AWSAccessKeyId"):
        raise _not_version_4()
    raise access_denied()


def _verify_header(
    request: S3Request, header: str, region: str | None, secrets: Secrets, now: datetime
) -> str:
    found = _HEADER.fullmatch(header.strip())
    credential = Credential.parse(found["credential"]) if found else None
    if not header.startswith(ALGORITHM):
        raise _not_version_4()
    if found is None or credential is None:
        raise _malformed("the Credential, SignedHeaders and Signature must be as documented.")
    moment = stamp(request.header("x-amz-date"))
    if moment is None:
        raise access_denied("AWS authentication requires a valid Date or x-amz-date header")
    if moment.strftime("%Y%m%d") != credential.day:
        raise _malformed("Invalid credential date. Date is not the same as X-Amz-Date.")
    if region is not None and credential.region != region:
        words = f"the region '{credential.region}' is wrong; expecting '{region}'"
        raise _malformed(words, Region=region)
    if abs(now - moment) > SKEW:
        words = "The difference between the request time and the current time is too large."
        raise S3Error(403, "RequestTimeTooSkewed", words)
    body_hash = request.header("x-amz-content-sha256")
    if body_hash is None:
        raise invalid_request("Missing required header for this request: x-amz-content-sha256")
    secret = find_secret(secrets, credential, request.header("x-amz-security-token"))
    signed = found["signed"].split(";")
    _check_signed(request, signed)
    text = _string_to_sign(request, credential, moment, signed, body_hash)
    compare(credential.sign(secret.secret_key, text), found["signature"])
    return body_hash


def _verify_link(request: S3Request, region: str | None, secrets: Secrets, now: datetime) -> str:
    given = {name: request.parameter(f"X-Amz-{name}") for name in _LINK}
    if not all(given.values()):
        names = ", ".join(f"X-Amz-{name}" for name in _LINK)
        raise _bad_link(f"Query-string authentication version 4 requires the {names} parameters.")
    values = {name: value or "" for name, value in given.items()}
    if values["Algorithm"] != ALGORITHM:
        raise _bad_link(f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    credential, moment = Credential.parse(values["Credential"]), stamp(values["Date"])
    if credential is None:
        raise _bad_link("Error parsing the X-Amz-Credential parameter.")
    if moment is None or moment.strftime("%Y%m%d") != credential.day:
        raise _bad_link("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    if region is not None and credential.region != region:
        raise _bad_link(
            "Error parsing the X-Amz-Credential parameter; "
            f"the region '{credential.region}' is wrong; expecting '{region}'",
            Region=region,
        )
    _check_life(values["Expires"], moment, now)
    secret = find_secret(secrets, credential, request.parameter("X-Amz-Security-Token"))
    signed = values["SignedHeaders"].split(";")
    _check_signed(request, signed)
    body_hash = request.header("x-amz-content-sha256") or UNSIGNED
    text = _string_to_sign(request, credential, moment, signed, body_hash)
    compare(credential.sign(secret.secret_key, text), values["Signature"])
    return body_hash


def _check_life(expires: str, moment: datetime, now: datetime) -> None:
    if not expires.isdecimal():
        raise _bad_link("X-Amz-Expires should be a number")
    if int(expires) > LONGEST_LINK_SECONDS:
        raise _bad_link(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given "
            f"X-Amz-Expires must be less than {LONGEST_LINK_SECONDS} seconds"
        )
    if moment - now > SKEW:
        raise access_denied("Request is not yet valid")
    if now > moment + timedelta(seconds=int(expires)):
        raise access_denied("Request has expired", **{"X-Amz-Expires": expires})


def _check_signed(request: S3Request, signed: list[str]) -> None:
    """Make sure that everything is signed that must be: host, Content-MD5 and all of Amazon's."""
    must = ["host", *request.amz_headers()]
    if request.header("content-md5") is not None:
        must.append("content-md5")
    if left_out := sorted(set(must) - set(signed)):
        words = "There were headers present in the request which were not signed"
        raise access_denied(words, HeadersNotSigned=", ".join(left_out))


def _string_to_sign(
    request: S3Request, credential: Credential, moment: datetime, signed: list[str], body: str
) -> str:
    query = sorted(
        (canonical(name), canonical(value))
        for name, value in request.query
        if name.lower() != "x-amz-signature"
    )
    values = ((name, " ".join((request.header(name) or "").split())) for name in signed)
    whole = "\n".join(
        (
            request.method,
            canonical(unquote_to_bytes(request.path), slashes=True),
            "&".join(f"{name}={value}" for name, value in query),
            "".join(f"{name}:{value}\n" for name, value in values),
            ";".join(signed),
            body,
        )
    )
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return "\n".join((ALGORITHM, moment.strftime(_STAMP), credential.scope, digest))


def _not_version_4() -> S3Error:
    return invalid_request(
        f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}."
    )


def _malformed(words: str, **details: str) -> S3Error:
    message = f"The authorization header is malformed; {words}"
    return S3Error(400, "AuthorizationHeaderMalformed", message, details)


def _bad_link(words: str, **details: str) -> S3Error:
    return S3Error(400, "AuthorizationQueryParametersError", words, details)
