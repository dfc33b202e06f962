"""A request for S3: read from WSGI, and made ready for moto again."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from dev.s3_hosts import Place, place_of

if TYPE_CHECKING:
    from collections.abc import Callable

type Environ = dict[str, Any]
type StartResponse = Callable[..., Any]

_SERVICE = "/s3/aws4_request"
# However many keys are asked for, S3 lists a thousand: AmazonS3/latest/API/API_ListObjectsV2.html.
_LONG_LIST = re.compile(r"(?<![^&])(max-keys|max-uploads|max-parts)=(?!1000(?!\d))\d{4,}")
_NOT_S3 = ("/moto-api", "/2015-03-31/", "/latest/")


@dataclass(frozen=True)
class S3Request:
    """
    What was asked, and of what.

    Attributes:
        place: What the host says.
        path: As it was sent, percent-encoded.
        query: Names and values in the order in which they were sent, decoded.
        bucket: Empty when the request is about no bucket.
        key: Empty when it is about the bucket itself.
    """

    environ: Environ
    method: str
    host: str
    place: Place
    path: str
    query: tuple[tuple[str, str], ...]
    bucket: str
    key: str

    @classmethod
    def read(cls, environ: Environ) -> S3Request:
        """Read a request; the body stays where it is."""
        path, _, query = str(environ["RAW_URI"]).partition("?")
        host = str(environ.get("HTTP_HOST", ""))
        place = place_of(host)
        whole = unquote(path).removeprefix("/")
        if place.bucket:
            bucket, key = place.bucket, whole
        else:
            bucket, _, key = whole.partition("/")
        return cls(
            environ=environ,
            method=str(environ["REQUEST_METHOD"]),
            host=host,
            place=place,
            path=path,
            query=_pairs(query),
            bucket=bucket,
            key=key,
        )

    def header(self, name: str) -> str | None:
        """Return a header's value."""
        variable = name.upper().replace("-", "_")
        if variable not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            variable = f"HTTP_{variable}"
        value = self.environ.get(variable)
        return None if value is None else str(value)

    def amz_headers(self) -> list[str]:
        """Return the `x-amz-` headers that were sent."""
        prefix = "HTTP_X_AMZ_"
        return [n[5:].lower().replace("_", "-") for n in self.environ if n.startswith(prefix)]

    def parameter(self, name: str) -> str | None:
        """Return a query parameter's value; names of signatures are the same in any case."""
        return next((value for key, value in self.query if key.lower() == name.lower()), None)

    def take_body(self) -> bytes:
        """Read the body as it was sent, without the chunks of HTTP itself; once."""
        stream, length = self.environ["wsgi.input"], int(self.header("content-length") or 0)
        chunked = self.environ.pop("wsgi.input_terminated", False)
        self.environ["wsgi.input"] = io.BytesIO()
        return bytes(stream.read() if chunked else stream.read(length))

    def for_moto(self, body: bytes) -> Environ:
        """Return what moto is told: path style, one plain body, and no encoding of it."""
        path = self.path if not self.place.bucket else f"/{self.bucket}{self.path}"
        query = _LONG_LIST.sub(r"\1=1000", str(self.environ["RAW_URI"])[len(self.path) + 1 :])
        uri = f"{path}?{query}" if query else path
        environ = {
            **self.environ,
            "HTTP_HOST": f"127.0.0.1:{self.environ['SERVER_PORT']}",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": uri,
            "REQUEST_URI": uri,
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
        }
        for name in ("HTTP_TRANSFER_ENCODING", "wsgi.input_terminated"):
            environ.pop(name, None)
        return environ


def is_for_s3(environ: Environ) -> bool:
    """Return whether a request is for S3: by the service that it is signed for."""
    if environ.get("HTTP_X_AMZ_TARGET"):
        return False
    signed_for = environ.get("HTTP_AUTHORIZATION")
    if signed_for is not None:
        return _SERVICE in signed_for or "/aws4_request" not in signed_for
    form = str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded")
    return not form and not str(environ.get("PATH_INFO", "")).startswith(_NOT_S3)


def canonical(text: str | bytes, *, slashes: bool = False) -> str:
    """Percent-encode as signatures want it: all but the unreserved characters."""
    return quote(text, safe="/-_.~" if slashes else "-_.~")


def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    parts = [part.partition("=") for part in query.split("&") if part]
    return tuple((unquote(name), unquote(value)) for name, _, value in parts)
