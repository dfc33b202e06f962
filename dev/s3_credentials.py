"""Access keys, and how Signature Version 4 signs with them, for headers, links and forms."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from dev.s3_errors import S3Error

ALGORITHM = "AWS4-HMAC-SHA256"
STAMP = "%Y%m%dT%H%M%SZ"


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


def check_region(credential: Credential, region: str | None) -> None:
    """Make sure that a link or a form was signed for the bucket's region, if there is one."""
    if region is not None and credential.region != region:
        words = (
            "Error parsing the X-Amz-Credential parameter; "
            f"the region '{credential.region}' is wrong; expecting '{region}'"
        )
        raise S3Error(400, "AuthorizationQueryParametersError", words, {"Region": region})


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
        return datetime.strptime(text or "", STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
