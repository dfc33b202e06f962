"""Content that is the same for everybody: compressed once, and cached by its ETag."""

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

from aws_lambda_powertools.event_handler import Response

from kie_gateway.web.request_context import RequestContext
from kie_gateway.web.requests import accepts_gzip, matches_etag
from kie_gateway.web.responses import Headers, not_modified

HEADERS = ("ETag", "Cache-Control", "Vary")
HTML = "text/html; charset=utf-8"


class _WrittenResponse(Response[bytes]):
    """A response whose body is written already, whatever its content type."""

    def is_json(self) -> bool:
        """Keep Powertools from writing the body as JSON once more."""
        return False


@dataclass(frozen=True)
class StaticContent:
    """
    A body that does not change while the process lives.

    Attributes:
        etag: Weak, since the compressed body is another sequence of bytes.
    """

    content_type: str
    body: bytes
    compressed: bytes
    etag: str


@cache
def static_content(content_type: str, text: str) -> StaticContent:
    """Compress a text, once for each."""
    body = text.encode()
    etag = f'W/"{sha256(body).hexdigest()[:16]}"'
    return StaticContent(content_type, body, gzip.compress(body, mtime=0), etag)


def static_response(context: RequestContext, content: StaticContent) -> Response[Any]:
    """Respond with static content, compressed where the caller accepts that, or with a 304."""
    headers: Headers = {
        "ETag": content.etag,
        "Cache-Control": "public, max-age=300",
        "Vary": "Accept-Encoding",
    }
    if matches_etag(context.headers, content.etag):
        return not_modified(headers)
    body = content.body
    if accepts_gzip(context.headers):
        body = content.compressed
        headers["Content-Encoding"] = "gzip"
    return _WrittenResponse(200, content_type=content.content_type, body=body, headers=headers)
