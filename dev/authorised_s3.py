"""
Which actions on which resources a call of S3 needs.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html, and for
multipart uploads https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import unescape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.authorised import Need


@dataclass(frozen=True)
class S3Call:
    """A request for S3, as far as it says what it is about; `key` is empty for a bucket."""

    method: str
    bucket: str
    key: str
    query: frozenset[str]
    headers: frozenset[str]
    copied: str
    body: bytes

    @property
    def is_read(self) -> bool:
        return self.method in {"GET", "HEAD"}

    @property
    def resource(self) -> str:
        return f"arn:aws:s3:::{self.bucket}" + (f"/{self.key}" if self.key else "")


def s3_call(environ: dict[str, Any], buckets: frozenset[str], body: bytes) -> S3Call:
    """Read a request; a bucket may stand in the path or before the host's name."""
    path = unquote(str(environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")[0]).lstrip(
        "/"
    )
    label = environ.get("HTTP_HOST", "").partition(".")[0]
    if label in buckets:
        bucket, key = label, path
    else:
        bucket, _, key = path.partition("/")
    return S3Call(
        method=environ["REQUEST_METHOD"],
        bucket=bucket,
        key=key,
        query=frozenset(parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        headers=frozenset(name for name in environ if name.startswith("HTTP_X_AMZ_")),
        copied=unquote(environ.get("HTTP_X_AMZ_COPY_SOURCE", "")).lstrip("/").partition("?")[0],
        body=body,
    )


def s3_needs(call: S3Call) -> list[Need]:
    """List what a call must be allowed to do."""
    if call.method == "POST" and not call.key:
        return list(_posted(call))
    if not call.key:
        return [(f"s3:{_bucket_action(call)}", call.resource)]
    found = [(f"s3:{_object_action(call)}", call.resource)]
    if call.copied:
        found.append(("s3:GetObject", f"arn:aws:s3:::{call.copied}"))
    if found[0][0] == "s3:PutObject" and "HTTP_X_AMZ_TAGGING" in call.headers:
        found.append(("s3:PutObjectTagging", call.resource))
    if found[0][0] == "s3:PutObject" and "HTTP_X_AMZ_ACL" in call.headers:
        found.append(("s3:PutObjectAcl", call.resource))
    return found


def deleted_keys(call: S3Call) -> list[str]:
    """List the keys of a bulk deletion."""
    if call.method != "POST" or "delete" not in call.query:
        return []
    return [
        unescape(k) for k in re.findall(r"<Key>(.*?)</Key>", call.body.decode(errors="replace"))
    ]


def _posted(call: S3Call) -> Iterator[Need]:
    for key in deleted_keys(call):
        yield "s3:DeleteObject", f"{call.resource}/{key}"
    if "delete" not in call.query:
        place = f"{call.resource}/{_field(call.body, 'key')}"
        yield "s3:PutObject", place
        if _field(call.body, "tagging"):
            yield "s3:PutObjectTagging", place


def _field(form: bytes, name: str) -> str:
    text = form[:1_000_000].decode(errors="replace")
    found = re.search(rf'name="{name}"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]+)', text)
    return found[1] if found else ""


def _bucket_action(call: S3Call) -> str:
    if not call.is_read:
        return {"PUT": "CreateBucket", "DELETE": "DeleteBucket"}.get(call.method, "*")
    named = {
        "uploads": "ListBucketMultipartUploads",
        "versions": "ListBucketVersions",
        "location": "GetBucketLocation",
        "cors": "GetBucketCORS",
        "policy": "GetBucketPolicy",
        "lifecycle": "GetLifecycleConfiguration",
    }
    return next((action for word, action in named.items() if word in call.query), "ListBucket")


def _object_action(call: S3Call) -> str:
    if "tagging" in call.query:
        verb = {"PUT": "Put", "DELETE": "Delete"}.get(call.method, "Get")
        return f"{verb}ObjectTagging"
    if call.is_read:
        return "ListMultipartUploadParts" if "uploadId" in call.query else "GetObject"
    if call.method == "DELETE":
        return "AbortMultipartUpload" if "uploadId" in call.query else "DeleteObject"
    return "PutObject"
