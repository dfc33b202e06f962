"""
Bodies of requests: their length, their encoding, and whether they are what was announced.

AmazonS3/latest/API/sigv4-streaming-trailers.html for chunks with a trailer, API_PutObject.html.
"""

from __future__ import annotations

import hashlib
import io
import re
from typing import TYPE_CHECKING

from dev.s3_checksums import algorithms_in, check, check_md5
from dev.s3_errors import S3Error, access_denied
from dev.s3_signature import UNSIGNED

if TYPE_CHECKING:
    from dev.s3_request import Environ, S3Request

_WITH_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_SMALLEST_CHUNK_BYTES = 8192
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HAVE_NONE = frozenset(("GET", "HEAD", "DELETE", "OPTIONS"))


def receive(request: S3Request, body_hash: str) -> bytes:
    """
    Read a request's body and make sure that it is what its headers say.

    Args:
        body_hash: What the signature says of the body.

    Returns:
        The body without its encoding; `request.environ` has lost the headers that told of it, and
        gained the checksums that came after the body.

    """
    if request.method in _HAVE_NONE:
        return request.take_body()
    _check_length(request)
    body = _whole_body(request)
    if body_hash == _WITH_TRAILER:
        body, trailer = _unwrap(request, body)
        _forget_encoding(request.environ)
        for name, value in trailer.items():
            request.environ["HTTP_" + name.upper().replace("-", "_")] = value
    elif body_hash.startswith("STREAMING-"):
        words = f"The local S3 does not verify bodies of the kind {body_hash}"
        raise S3Error(501, "NotImplemented", words)
    elif body_hash != UNSIGNED:
        _check_sha256(body_hash, body)
    _check_checksums(request, body)
    return body


def _check_length(request: S3Request) -> None:
    """Refuse a body of unknown length; that it comes in chunks of HTTP says nothing about it."""
    if request.header("x-amz-decoded-content-length") is not None:
        return
    if request.header("content-length") is not None:
        return
    if request.header("transfer-encoding") is not None:
        words = "A header you provided implies functionality that is not implemented"
        raise S3Error(501, "NotImplemented", words, {"Header": "Transfer-Encoding"})
    words = "You must provide the Content-Length HTTP header."
    raise S3Error(411, "MissingContentLength", words)


def _whole_body(request: S3Request) -> bytes:
    """Read the body; whoever hung up before its end has sent none."""
    length = request.header("content-length")
    try:
        body = request.take_body()
    except OSError as exc:
        raise _incomplete() from exc
    if length is not None and len(body) < int(length):
        raise _incomplete()
    return body


def _check_sha256(body_hash: str, body: bytes) -> None:
    if not _SHA256.fullmatch(body_hash):
        words = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, or a valid sha256 value."
        raise S3Error(400, "InvalidArgument", words)
    if hashlib.sha256(body).hexdigest() != body_hash:
        words = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise S3Error(400, "XAmzContentSHA256Mismatch", words)


def _check_checksums(request: S3Request, body: bytes) -> None:
    headers = {name: request.header(name) or "" for name in request.amz_headers()}
    # Those of a completed upload are of the whole object, not of this body.
    if request.parameter("uploadId") is None or request.method == "PUT":
        for algorithm, given in algorithms_in(headers).items():
            check(algorithm, given, body)
    if (digest := request.header("content-md5")) is not None:
        check_md5(digest, body)


def _unwrap(request: S3Request, body: bytes) -> tuple[bytes, dict[str, str]]:
    """Take a body out of its chunks; gives the trailer too, names in lower case."""
    stream, parts = io.BytesIO(body), list[bytes]()
    while size := _chunk_size(stream.readline()):
        part = stream.read(size)
        if len(part) < size or stream.readline() != b"\r\n":
            raise _incomplete()
        parts.append(part)
    for number, part in enumerate(parts[:-1], 1):
        if len(part) < _SMALLEST_CHUNK_BYTES:
            words = "Only the last chunk is allowed to have a size less than 8192 bytes"
            details = {"Chunk": str(number + 1), "BadChunkSize": str(len(part))}
            raise S3Error(403, "InvalidChunkSizeError", words, details)
    whole = b"".join(parts)
    if str(len(whole)) != request.header("x-amz-decoded-content-length"):
        raise _incomplete()
    return whole, _trailer(request, stream.read())


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as exc:
        raise _incomplete() from exc


def _trailer(request: S3Request, text: bytes) -> dict[str, str]:
    """Read the trailer; it holds what was announced, and nothing else."""
    lines = [line.partition(":") for line in text.decode("latin-1").split("\r\n") if line]
    found = {name.strip().lower(): value.strip() for name, _, value in lines}
    announced = request.header("x-amz-trailer")
    if set(found) != ({announced.strip().lower()} if announced else set()):
        words = (
            "The request contained trailing data that was not well-formed or did not conform to "
            "our published schema."
        )
        raise S3Error(400, "MalformedTrailerError", words)
    return found


def _forget_encoding(environ: Environ) -> None:
    codings = [c.strip() for c in str(environ.get("HTTP_CONTENT_ENCODING", "")).split(",")]
    left = [coding for coding in codings if coding and coding != "aws-chunked"]
    if len(left) == len(codings):
        raise access_denied("Content-Encoding must name aws-chunked")
    environ.pop("HTTP_CONTENT_ENCODING")
    if left:
        environ["HTTP_CONTENT_ENCODING"] = ",".join(left)
    environ["HTTP_X_AMZ_CONTENT_SHA256"] = UNSIGNED
    for name in ("TRAILER", "DECODED_CONTENT_LENGTH"):
        environ.pop(f"HTTP_X_AMZ_{name}", None)


def _incomplete() -> S3Error:
    words = "You did not provide the number of bytes specified by the Content-Length HTTP header."
    return S3Error(400, "IncompleteBody", words)
