"""
Checksums that come with a body: AmazonS3/latest/userguide/checking-object-integrity-upload.html.

The words of the refusals are S3's as clients have reported them.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import zlib
from typing import TYPE_CHECKING

from dev.s3_errors import S3Error, invalid_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "x-amz-checksum-"
# Reflected polynomials, and the sizes in bytes.
_CRC32C = (0x82F63B78, 4)
_CRC64NVME = (0x9A6C9329AC4BC9B5, 8)


def checksum(algorithm: str, body: bytes) -> str:
    """Compute a checksum, in base64, as headers carry it; the algorithm is named in any case."""
    return base64.b64encode(_ALGORITHMS[algorithm.lower()](body)).decode()


def algorithms_in(headers: Mapping[str, str]) -> dict[str, str]:
    """Pick the checksums among headers: algorithm, in lower case, and value."""
    named = {name.lower().removeprefix(PREFIX): value for name, value in headers.items()}
    return {name: value for name, value in named.items() if name in _ALGORITHMS}


def check(algorithm: str, given: str, body: bytes) -> None:
    """Refuse a body that is not what its checksum says."""
    try:
        size = len(base64.b64decode(given, validate=True))
    except binascii.Error:
        size = -1
    if size != len(_ALGORITHMS[algorithm](b"")):
        raise invalid_request(f"Value for {PREFIX}{algorithm} header is invalid.")
    if checksum(algorithm, body) != given:
        words = f"The {algorithm.upper()} you specified did not match the calculated checksum."
        raise S3Error(400, "BadDigest", words)


def check_md5(given: str, body: bytes) -> None:
    """Do the same for `Content-MD5`."""
    try:
        digest = base64.b64decode(given, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 16:
        raise S3Error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
    if digest != hashlib.md5(body, usedforsecurity=False).digest():
        words = "The Content-MD5 you specified did not match what we received."
        raise S3Error(400, "BadDigest", words)


@functools.cache
def _table(polynomial: int) -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        return value

    return tuple(entry(byte) for byte in range(256))


def _crc(body: bytes, polynomial: int, size: int) -> bytes:
    table, ones = _table(polynomial), (1 << 8 * size) - 1
    value = ones
    for byte in body:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return (value ^ ones).to_bytes(size)


_ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "crc32": lambda body: zlib.crc32(body).to_bytes(4),
    "crc32c": lambda body: _crc(body, *_CRC32C),
    "crc64nvme": lambda body: _crc(body, *_CRC64NVME),
    "md5": lambda body: hashlib.md5(body, usedforsecurity=False).digest(),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
    "sha512": lambda body: hashlib.sha512(body).digest(),
}
