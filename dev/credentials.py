"""Whose call it is: an access key id of its own for each role, and one for whoever administers."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs

ADMINISTRATOR = "local"
_HEADER = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/")
_FORM = re.compile(rb'name="x-amz-credential"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]+)', re.IGNORECASE)


def access_key_of(role: str) -> str:
    """
    Return the access key id of a role's temporary credentials, from its name or its ARN.

    They begin with ASIA: reference_identifiers.html of the IAM user guide.
    """
    digest = hashlib.sha256(role.rpartition("/")[2].encode()).digest()
    return "ASIA" + base64.b32encode(digest).decode()[:16]


def caller(environ: dict[str, Any], form: bytes = b"") -> tuple[str | None, str]:
    """
    Read the access key id and the service of a request; (None, "") if it is not signed.

    Args:
        environ: The WSGI environment: the header of a signed call, or the query of a link.
        form: The body of a browser's upload, which carries its credentials in a field.

    """
    found = _HEADER.search(environ.get("HTTP_AUTHORIZATION", ""))
    if found:
        return found[1], found[3]
    query = parse_qs(environ.get("QUERY_STRING", ""))
    if "AWSAccessKeyId" in query:
        return query["AWSAccessKeyId"][0], "s3"
    scope = query.get("X-Amz-Credential", [""])[0]
    if not scope and (field := _FORM.search(form)):
        scope = field[1].decode(errors="replace")
    parts = scope.split("/")
    return (parts[0], parts[3]) if len(parts) == 5 else (None, "")
