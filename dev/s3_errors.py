"""S3's refusals, in S3's own words: AmazonS3/latest/API/ErrorResponses.html."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from dev.s3_request import StartResponse


class S3Error(Exception):
    """
    A request that S3 does not take.

    Args:
        details: Further elements of the answer, such as `Region`.
        headers: Of the answer, such as `Location`.

    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: dict[str, str] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self._elements = {"Code": code, "Message": message, **(details or {})}
        self._headers = headers

    def send(self, start_response: StartResponse, *, with_body: bool) -> list[bytes]:
        """Answer; HEAD gets no body, and so no code either."""
        request_id = secrets.token_hex(8).upper()
        elements = {**self._elements, "RequestId": request_id, "HostId": "local"}
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in elements.items())
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()
        headers = [
            ("Content-Type", "application/xml"),
            ("Content-Length", str(len(body))),
            ("x-amz-request-id", request_id),
            *self._headers,
        ]
        start_response(f"{self.status} {HTTPStatus(self.status).phrase}", headers)
        return [body] if with_body else []


def access_denied(message: str = "Access Denied", **details: str) -> S3Error:
    return S3Error(403, "AccessDenied", message, details)


def invalid_request(message: str) -> S3Error:
    return S3Error(400, "InvalidRequest", message)
