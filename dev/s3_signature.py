"""
Signature Version 4, as S3 verifies it.

AmazonS3/latest/API/sigv4-auth-using-authorization-header.html for headers,
sigv4-query-string-auth.html for links. Version 2 is refused, as for every bucket made since
2020-06-24 (aws.amazon.com/blogs/aws/amazon-s3-update-sigv2-deprecation-period-extended-modified).
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from dev.s3_credentials import (
    ALGORITHM,
    STAMP,
    Credential,
    check_region,
    compare,
    find_secret,
    stamp,
)
from dev.s3_errors import S3Error, access_denied, invalid_request
from dev.s3_request import canonical

if TYPE_CHECKING:
    from dev.s3_credentials import Secrets
    from dev.s3_request import S3Request

UNSIGNED = "UNSIGNED-PAYLOAD"
LONGEST_LINK_SECONDS = 7 * 24 * 3600
SKEW = timedelta(minutes=15)
_HEADER = re.compile(
    rf"{ALGORITHM} +Credential=(?P<credential>[^, ]+), *SignedHeaders=(?P<signed>[^, ]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_LINK = ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires")


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
    if not header.startswith(ALGORITHM):
        raise _not_version_4()
    found = _HEADER.fullmatch(header.strip())
    credential = Credential.parse(found["credential"]) if found else None
    if found is None or credential is None:
        raise _malformed("the Credential, SignedHeaders and Signature must be as documented.")
    moment = _moment_of(request, credential, region)
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


def _moment_of(request: S3Request, credential: Credential, region: str | None) -> datetime:
    """Return when a request was signed by header, and that it was for this day and region."""
    moment = stamp(request.header("x-amz-date"))
    if moment is None:
        raise access_denied("AWS authentication requires a valid Date or x-amz-date header")
    if moment.strftime("%Y%m%d") != credential.day:
        raise _malformed("Invalid credential date. Date is not the same as X-Amz-Date.")
    if region is not None and credential.region != region:
        words = f"the region '{credential.region}' is wrong; expecting '{region}'"
        raise _malformed(words, Region=region)
    return moment


def _verify_link(request: S3Request, region: str | None, secrets: Secrets, now: datetime) -> str:
    given = {name: request.parameter(f"X-Amz-{name}") for name in _LINK}
    if not all(given.values()):
        names = ", ".join(f"X-Amz-{name}" for name in _LINK)
        raise _bad_link(f"Query-string authentication version 4 requires the {names} parameters.")
    values = {name: value or "" for name, value in given.items()}
    credential, moment = _scope_of_link(values, region)
    _check_life(values["Expires"], moment, now)
    secret = find_secret(secrets, credential, request.parameter("X-Amz-Security-Token"))
    signed = values["SignedHeaders"].split(";")
    _check_signed(request, signed)
    body_hash = request.header("x-amz-content-sha256") or UNSIGNED
    text = _string_to_sign(request, credential, moment, signed, body_hash)
    compare(credential.sign(secret.secret_key, text), values["Signature"])
    return body_hash


def _scope_of_link(values: dict[str, str], region: str | None) -> tuple[Credential, datetime]:
    """Return what a link was signed with and when, and that it was for this day and region."""
    if values["Algorithm"] != ALGORITHM:
        raise _bad_link(f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    credential, moment = Credential.parse(values["Credential"]), stamp(values["Date"])
    if credential is None:
        raise _bad_link("Error parsing the X-Amz-Credential parameter.")
    if moment is None or moment.strftime("%Y%m%d") != credential.day:
        raise _bad_link("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    check_region(credential, region)
    return credential, moment


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
    return "\n".join((ALGORITHM, moment.strftime(STAMP), credential.scope, digest))


def _not_version_4() -> S3Error:
    return invalid_request(
        f"The authorization mechanism you have provided is not supported. Please use {ALGORITHM}."
    )


def _malformed(words: str, **details: str) -> S3Error:
    message = f"The authorization header is malformed; {words}"
    return S3Error(400, "AuthorizationHeaderMalformed", message, details)


def _bad_link(words: str) -> S3Error:
    return S3Error(400, "AuthorizationQueryParametersError", words)
