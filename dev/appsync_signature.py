"""
Signature Version 4 of a call to an Event API, verified by signing it again.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from dev.s3_credentials import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dev.s3_credentials import Secrets

SKEW = timedelta(minutes=5)
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<day>\d{8})/(?P<region>[^/]+)/"
    r"(?P<service>[^/]+)/aws4_request, *SignedHeaders=(?P<signed>[^,\s]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_MUST_BE_SIGNED = ("host", "x-amz-date")


class SignatureError(Exception):
    """A call that is not signed as it must be; the message says why."""


def verify(
    url: str, headers: Mapping[str, str], body: bytes, *, region: str, secrets: Secrets, now: float
) -> str:
    """
    Verify a POST, and return whose access key it was signed with.

    Args:
        headers: With lower-case names.
        now: In unix seconds.

    Raises:
        SignatureError: It is not signed, or not like this.

    """
    found = _HEADER.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise SignatureError("Missing Authentication Token")
    if (found["region"], found["service"]) != (region, "appsync"):
        raise SignatureError(f"Credential should be scoped to {region} and the service appsync")
    moment = stamp(headers.get("x-amz-date"))
    if moment is None or moment.strftime("%Y%m%d") != found["day"]:
        raise SignatureError("x-amz-date is missing, or of another day than the credential")
    if abs(datetime.fromtimestamp(now, UTC) - moment) > SKEW:
        raise SignatureError("Signature expired, or not yet current")
    signed = found["signed"].split(";")
    token = headers.get("x-amz-security-token")
    must = (*_MUST_BE_SIGNED, *(["x-amz-security-token"] if token else []))
    if not set(must) <= set(signed):
        raise SignatureError(f"{', '.join(must)} must be signed")
    secret = secrets(found["key"])
    if secret is None or (secret.token or None) != (token or None):
        raise SignatureError("The security token included in the request is invalid.")
    again = AWSRequest(
        "POST", url, headers={name: headers.get(name, "") for name in signed}, data=body
    )
    again.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(found["key"], secret.secret_key), "appsync", region)
    text = signer.string_to_sign(again, signer.canonical_request(again))
    if not hmac.compare_digest(signer.signature(text, again), found["signature"]):
        raise SignatureError("The request signature we calculated does not match")
    return found["key"]
