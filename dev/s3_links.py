"""
Links of the local cloud that open everywhere.

Functions speak TLS to the local S3, as to AWS, but nobody else knows its certificate: what they
sign for others names plain HTTP on the same port. No signature covers the scheme. Imported by the
functions' processes too, so it needs botocore only.
"""

import functools
import re
from collections.abc import Callable
from typing import Any

_LOCAL = re.compile(r"https(?=://(127\.0\.0\.1|([a-z0-9.-]+\.)?localhost):\d)")


def install() -> None:
    """Let botocore sign such links; doing so twice changes nothing."""
    from botocore import signers  # noqa: PLC0415 - where this is not installed, nobody waits for it

    for kind, name in (
        (signers.RequestSigner, "generate_presigned_url"),
        (signers.S3PostPresigner, "generate_presigned_post"),
    ):
        setattr(kind, name, _opened(getattr(kind, name)))


def _opened(sign: Callable[..., Any]) -> Callable[..., Any]:
    if hasattr(sign, "__wrapped__"):
        return sign

    @functools.wraps(sign)
    def signed(*args: Any, **options: Any) -> Any:
        found = sign(*args, **options)
        if isinstance(found, dict):
            return {**found, "url": _LOCAL.sub("http", found["url"], count=1)}
        return _LOCAL.sub("http", found, count=1)

    return signed
