"""
Uploads by a browser's form: AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html.

The words of the refusals are S3's as clients have reported them.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from dev.s3_credentials import (
    ALGORITHM,
    Credential,
    Secrets,
    check_region,
    compare,
    find_secret,
    stamp,
)
from dev.s3_errors import S3Error, access_denied, invalid_request

if TYPE_CHECKING:
    from dev.s3_request import S3Request

# Fields that no condition need name.
_FREE = frozenset(("x-amz-signature", "file", "policy"))


def is_form(request: S3Request) -> bool:
    kind = request.header("content-type") or ""
    return request.method == "POST" and not request.key and kind.startswith("multipart/form-data")


def verify_form(
    request: S3Request, body: bytes, region: str | None, secrets: Secrets, now: datetime
) -> str:
    """
    Verify a form's signature, and that it keeps to its policy.

    Returns:
        The key of the object.

    """
    fields, size = _read(request, body)
    if "policy" not in fields:
        raise access_denied()
    _verify_signature(fields, region, secrets)
    policy = _policy(fields["policy"])
    if now > _moment(policy.get("expiration")):
        raise access_denied("Invalid according to Policy: Policy expired.")
    _check_conditions({**fields, "bucket": request.bucket}, policy["conditions"], size)
    return fields["key"]


def _read(request: S3Request, body: bytes) -> tuple[dict[str, str], int]:
    """Read the fields, names in lower case, and the size of the file."""
    parser = FormDataParser(lambda *_, **__: io.BytesIO(), max_form_memory_size=None)
    options = parse_options_header(request.header("content-type"))[1]
    _, form, files = parser.parse(io.BytesIO(body), "multipart/form-data", len(body), options)
    fields = {name.lower(): str(value) for name, value in form.items()}
    if (file := files.get("file")) is not None:
        size = len(file.stream.read())
    elif "file" in fields:
        size = len(fields["file"].encode())
    else:
        words = "POST requires exactly one file upload per request."
        raise S3Error(400, "InvalidArgument", words)
    if not fields.get("key"):
        raise _missing("key")
    return fields, size


def _missing(name: str) -> S3Error:
    return S3Error(
        400,
        "InvalidArgument",
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the "
        "order of the fields.",
    )


def _verify_signature(fields: dict[str, str], region: str | None, secrets: Secrets) -> None:
    names = ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")
    for name in names:
        if name not in fields:
            raise _missing(name)
    credential = Credential.parse(fields["x-amz-credential"])
    if fields["x-amz-algorithm"] != ALGORITHM or credential is None:
        raise invalid_request(f"Please use {ALGORITHM}.")
    moment = stamp(fields["x-amz-date"])
    if moment is None or moment.strftime("%Y%m%d") != credential.day:
        raise invalid_request("X-Amz-Date must be formated via ISO8601 Long format")
    check_region(credential, region)
    secret = find_secret(secrets, credential, fields.get("x-amz-security-token"))
    expected = credential.sign(secret.secret_key, fields["policy"])
    compare(expected, fields["x-amz-signature"])


def _policy(text: str) -> dict[str, Any]:
    try:
        policy = dict(json.loads(base64.b64decode(text, validate=True)))
        policy["conditions"] = list(policy["conditions"])
    except (binascii.Error, ValueError, KeyError, TypeError) as exc:
        raise S3Error(400, "InvalidPolicyDocument", "Invalid Policy: Invalid JSON.") from exc
    return policy


def _moment(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError as exc:
        words = "Invalid Policy: Invalid 'expiration' value."
        raise S3Error(400, "InvalidPolicyDocument", words) from exc


def _check_conditions(fields: dict[str, str], conditions: list[Any], size: int) -> None:
    """Check every condition, and that every field has one."""
    named = set()
    for condition in conditions:
        kind, name, value = _condition(condition)
        if kind == "content-length-range":
            _check_size(int(name), int(value), size)
            continue
        named.add(name)
        given = fields.get(name, "")
        if not (given.startswith(value) if kind == "starts-with" else given == value):
            shown = json.dumps([kind, f"${name}", value])
            raise access_denied(f"Invalid according to Policy: Policy Condition failed: {shown}")
    extra = sorted(
        name for name in fields if name not in named | _FREE and not name.startswith("x-ignore-")
    )
    if extra:
        words = f"Invalid according to Policy: Extra input fields: {', '.join(extra)}"
        raise access_denied(words)


def _condition(condition: Any) -> tuple[str, str, str]:
    """Read a condition in either of its forms; names of fields are the same in any case."""
    if isinstance(condition, dict):
        [(name, value)] = condition.items()
        return "eq", str(name).lower(), str(value)
    kind, name, value = condition
    return str(kind).lower(), str(name).removeprefix("$").lower(), str(value)


def _check_size(least: int, most: int, size: int) -> None:
    details = {"ProposedSize": str(size)}
    if size > most:
        words = "Your proposed upload exceeds the maximum allowed size"
        details["MaxSizeAllowed"] = str(most)
        raise S3Error(400, "EntityTooLarge", words, details)
    if size < least:
        words = "Your proposed upload is smaller than the minimum allowed size"
        details["MinSizeAllowed"] = str(least)
        raise S3Error(400, "EntityTooSmall", words, details)
